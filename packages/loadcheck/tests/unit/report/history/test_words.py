import pytest

from loadcheck.report.history.change_points import courses
from loadcheck.report.history.words import amount, direction, headline, subject

STEADY = [10.0, 10.2, 9.8, 10.1, 9.9] * 2
HIGHER = [value * 1.2 for value in STEADY]
HIGHEST = [value * 2 for value in STEADY]


def told(history):
    return headline(history, courses(history))


def changes(history):
    return [change for course in courses(history) for change in course.changes]


def test_the_headline_counts_what_moved_each_way(nights):
    assert told(nights(STEADY + HIGHER)) == "20 commits, 1 change: 1 for the worse."
    assert told(nights(HIGHER + STEADY)) == "20 commits, 1 change: 1 for the better."
    there_and_back = "30 commits, 2 changes: 1 for the worse, 1 for the better."
    assert told(nights(STEADY + HIGHEST + STEADY)) == there_and_back


def test_the_headline_says_that_nothing_moved(nights):
    assert told(nights(STEADY + STEADY)) == "20 commits, no change."


@pytest.mark.parametrize(("count", "commits"), [(0, "0 commits"), (1, "1 commit"), (7, "7 commits")])
def test_the_headline_says_that_it_is_too_early(nights, count, commits):
    expected = f"{commits}: too early to tell, it takes 8 records of a figure."
    assert told(nights(STEADY[:count])) == expected


def test_a_change_is_told_with_its_sign_and_a_word(nights):
    (rise,) = changes(nights(STEADY + HIGHER))
    (fall,) = changes(nights(HIGHER + STEADY))
    (more,) = changes(nights(STEADY + HIGHER, "rate_per_s"))
    assert (amount(rise), direction(rise)) == ("+20 %", "worse")
    assert (amount(fall), direction(fall)) == ("\N{MINUS SIGN}16.7 %", "better")
    assert (amount(more), direction(more)) == ("+20 %", "better")


def test_from_zero_there_is_no_percentage(nights):
    (change,) = changes(nights([0.0] * 10 + [0.1] * 10, "failure_ratio"))
    assert amount(change) == "from 0"


def test_a_figure_is_of_an_endpoint_of_all_requests_or_of_the_server(nights, history):
    named = {subject(course.series) for course in courses(nights(STEADY, "memory_mb"))}
    assert named == {"the server"}
    assert "/api/v1/clients/search" in {subject(course.series) for course in courses(history)}
