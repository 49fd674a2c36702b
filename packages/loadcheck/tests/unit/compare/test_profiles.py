"""What grew, function by function."""

import pytest

from loadcheck.compare.profiles import RATE, Profile, differences, read, shown

OLD = "main (/old/app/run.py:3)"
NEW = "main (/new/app/run.py:3)"
BASE = [f"{OLD};answer (/old/app/web.py:10);search (/old/app/find.py:7) 500", f"{OLD} 500"]
HEAD = [
    f"{NEW};answer (/new/app/web.py:12);search (/new/app/find.py:9) 500",
    f"{NEW};answer (/new/app/web.py:12);search (/new/app/find.py:9);fold (/new/app/text.py:2) 250",
    f"{NEW} 250",
]


def test_a_function_is_told_by_its_module_not_by_line_or_folder():
    assert (
        shown("search (/old/app/find.py:7)") == shown("search (/new/app/find.py:9)") == "search (app/find.py)"
    )
    assert shown("<listcomp> (find.py)") == "<listcomp> (find.py)"
    assert shown("process 7") == ""


def test_what_has_no_name_counts_as_what_it_stands_in():
    assert shown("search.<locals>.<genexpr> (a/find.py:7)") == "search (a/find.py)"
    assert shown("A.b.<locals>.<lambda>.<locals>.<listcomp> (a/find.py:7)") == "A.b (a/find.py)"
    assert shown("a.<locals>.b (a/find.py:7)") == "a.<locals>.b (a/find.py)"


def test_the_function_whose_own_time_grew_most_comes_first():
    (grown,) = differences(read(BASE), read(HEAD))
    assert grown.function == "fold (app/text.py)"
    assert (grown.base_s, grown.head_s) == (0.0, 250 / RATE)
    assert grown.own_s == 250 / RATE


@pytest.mark.parametrize(("base", "head", "is_told"), [(100, 130, False), (100, 150, True), (0, 9, False)])
def test_what_chance_may_have_added_is_no_growth(base, head, is_told):
    found = differences(read([f"{OLD} {base}"] if base else []), read([f"{NEW} {head}"]))
    assert bool(found) is is_told


def test_a_function_that_is_on_a_stack_twice_counts_once():
    found = read(["a (x.py:1);b (x.py:2);a (x.py:1) 10"])
    assert (found.within["a (x.py)"], found.own["a (x.py)"]) == (10, 10)


@pytest.mark.parametrize("lines", [[], ["process 7 12"]])
def test_what_names_no_function_tells_nothing(lines):
    found = read(lines)
    assert not found.own
    assert differences(found, Profile(found.within, found.own)) == []
