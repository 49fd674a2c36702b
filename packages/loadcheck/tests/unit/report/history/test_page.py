import re

import msgspec
import pytest

from loadcheck.report.history.measurements import EndpointFigures, Machine, ScenarioFigures
from loadcheck.report.history.page import render_history

ODD = "</script><b>&'\"\u2028"
STEADY = [10.0, 10.2, 9.8, 10.1, 9.9] * 2
HIGHER = [value * 1.2 for value in STEADY]


def cells(page, table):
    """The rows of a table as lists of their cells' text."""
    (found,) = re.findall(rf'<table class="{table}">(.*?)</table>', page, re.DOTALL)
    rows = re.findall(r"<tr.*?>(.*?)</tr>", found, re.DOTALL)
    return [
        [
            " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in rows
    ]


def test_what_moved_is_told_newest_first_by_commit_with_sign_and_word(history):
    told = cells(render_history(history), "moved")[1:]
    commits = [row[0] for row in told if len(row) == 1]
    assert commits == ["0038cccccc 2026-02-10", "0027cccccc 2026-01-30", "0024cccccc 2026-01-27"]
    assert told[1] == [
        "documented_load",
        "P95 of /api/v1/clients/search",
        "12 ms",
        "14.2 ms",
        "+18.4 %",
        "0037cccccc",
        "\N{MULTIPLICATION X} worse",
    ]
    assert told[3][:2] == ["ttl_expiry", "CPU per request of the server"]
    assert told[3][5:] == ["0019cccccc", "\N{CHECK MARK} better"]  # the week before was left out


def test_of_one_commit_what_got_worse_comes_first(nights):
    rate = nights(STEADY + HIGHER, "rate_per_s")
    slow = nights(STEADY + HIGHER)
    both = tuple(
        msgspec.structs.replace(
            one, scenarios=(*one.scenarios, msgspec.structs.replace(other.scenarios[0], scenario="b"))
        )
        for one, other in zip(rate, slow, strict=True)
    )
    told = cells(render_history(both), "moved")[2:]
    assert [row[-1].split()[-1] for row in told] == ["worse", "better"]


def test_what_is_no_change_is_shown_as_none(nights):
    page = render_history(nights(STEADY + STEADY))
    assert "20 commits, no change." in page
    assert "Nothing that noise would not explain." in page
    assert '<td class="words">no change</td>' in page
    assert 'class="badge missed"' not in page


def test_too_few_records_are_told_at_each_figure(nights):
    assert "too few records to tell" in render_history(nights(STEADY[:7]))


def test_an_empty_history_makes_a_page():
    assert "0 commits" in render_history(())


def test_void_runs_are_told_with_their_reason(history):
    page = render_history(history)
    assert "60 records, 2 void" in page
    assert page.count("something else kept 1.0 of 2 cores busy") == 2


def test_a_void_run_that_failed_is_told_as_both(nights):
    (night,) = nights([1.0])
    failed = ScenarioFigures(scenario="load", verdict="missed", void_reasons=("a busy machine",))
    page = render_history((msgspec.structs.replace(night, scenarios=(failed,)),))
    assert "and void, a busy machine" in page


def test_local_changes_are_told(history, nights):
    assert render_history(history).count("with local changes") == 3  # in the table of each scenario
    assert "with local changes" in render_history(nights(STEADY + HIGHER, has_local_changes=True))
    assert "with local changes" not in render_history(nights(STEADY + HIGHER))


def test_every_record_is_in_a_table_for_who_has_no_javascript(history):
    page = render_history(history)
    for each in history:
        assert page.count(f'<code title="{each.commit}">') >= 2


def test_machines_are_named_where_there_are_several(nights):
    other = Machine(processor="Another Processor", cores=4, python="3.11.9")
    page = render_history((*nights(STEADY + HIGHER), *nights(STEADY, machine=other)))
    assert cells(page, "moved")[2][0] == "load Some Processor 3.0 GHz, 2 cores"
    assert "Machine</th>" in page
    assert "Machine</th>" not in render_history(nights(STEADY + HIGHER))


def test_profiles_have_cards_of_their_own(nights):
    page = render_history((*nights(STEADY + HIGHER), *nights(STEADY, profile="short")))
    assert '<span class="name">load, documented</span><span class="shortly">20 records<' in page
    assert '<span class="name">load, short</span><span class="shortly">10 records<' in page
    assert page.count('<a href="#s1">load, documented</a>') == 1


def test_the_page_asks_for_nothing_outside_itself(history):
    page = render_history(history)
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#|data:)""", page.split("<script>")[0])
    assert not re.search(r"@import|url\((?!data:)", page)


def test_whatever_stands_in_a_history_stays_text(nights):
    def named(name):
        endpoint = EndpointFigures(endpoint=name, p95_ms=1.0)
        played = ScenarioFigures(scenario=name, verdict="void", void_reasons=(name,), endpoints=(endpoint,))
        machine = Machine(processor=name, cores=2, python="3")
        return render_history(
            nights([1.0] * 9, scenarios=(played,), machine=machine, profile=name, commit=name, at=name)
        )

    assert named(ODD).count("</script>") == named("plain").count("</script>")
    assert ODD not in named(ODD)


@pytest.mark.parametrize("count", [60, 365])
def test_a_page_stays_small(nights, count):
    assert len(render_history(nights([1.0, 1.1, 0.9, 1.05, 0.95] * (count // 5)))) < 90_000 + 400 * count
