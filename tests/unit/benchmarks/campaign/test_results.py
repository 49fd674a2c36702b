"""What a campaign keeps, and what it comes to."""

from itertools import islice
from pathlib import Path

import pytest
from msgspec.structs import replace

from benchmarks.campaign.cases import Case
from benchmarks.campaign.results import Run, read_campaign, share_interval, table
from loadcheck.compare.comparison import Comparison, Judged

SLOW = Case(5, "cpu", "all")
SLOWER = Case(10, "time", "one")
RUN = Run(
    case=Case(),
    verdict="not slower",
    slower=(),
    void_reasons=(),
    looked_s=30.0,
    took_s=40.0,
    commit="abc",
    p95_ms={"/": 2.0},
    changes={"/ P95": 0.01},
    control={"/ P95": 0.02},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "campaign.jsonl"


def test_runs_are_kept_as_they_end_and_read_again(path):
    campaign = read_campaign(path)
    campaign.add(RUN)
    campaign.add(replace(RUN, case=SLOW, verdict="slower", slower=("/ P95",)))
    assert read_campaign(path).runs == campaign.runs


def test_a_run_that_was_broken_off_while_written_is_left_out(path):
    read_campaign(path).add(RUN)
    with path.open("ab") as file:
        file.write(b'{"case": {"perc')
    campaign = read_campaign(path)
    assert campaign.runs == [RUN]
    campaign.add(RUN)
    assert read_campaign(path).runs == [RUN, RUN]


def test_it_begins_without_a_change_and_goes_on_with_what_was_run_least(path):
    campaign = read_campaign(path)
    assert list(islice(campaign.order([SLOW, SLOWER], 2), 8)) == [
        *(Case(), Case(), SLOW),
        *(Case(), Case(), SLOWER),
        *(Case(), Case()),
    ]
    campaign.add(replace(RUN, case=SLOW))
    assert list(islice(campaign.order([SLOW, SLOWER], 1), 4)) == [Case(), SLOWER, Case(), SLOW]


def test_the_p95_to_slow_by_is_the_median_of_all_runs(path):
    campaign = read_campaign(path)
    for ms in (1.0, 3.0, 2.5):
        campaign.add(replace(RUN, p95_ms={"/": ms}))
    campaign.add(replace(RUN, p95_ms={"/search": 7.0}))
    assert campaign.p95_ms == {"/": 2.5, "/search": 7.0}


def test_of_an_outcome_is_kept_what_counts():
    def figure(metric: str, **found) -> Judged:
        told = {"base": 2.0, "head": 2.2, "change": 0.1, "low": 0.0, "high": 0.2, "visible": 0.1}
        return Judged(**{"endpoint": "/", "metric": metric, "verdict": "slower", **told, **found})

    figures = (figure("P50", verdict="not slower", change=0.0), figure("P95"))
    outcome = Comparison(
        control=figures[:1],
        scenario="small",
        base="a",
        base_name="HEAD",
        head="b",
        verdict="slower",
        figures=figures,
        took_s=61.23,
    )
    run = Run.of(SLOW, outcome)
    assert (run.verdict, run.slower, run.p95_ms) == ("slower", ("/ P95",), {"/": 2.0})
    assert (run.took_s, run.commit, run.changes) == (61.2, "b", {"/ P50": 0.0, "/ P95": 0.1})
    assert run.control == {"/ P50": 0.0}
    assert run.line() == "5 % cpu, all endpoints: slower after 0 s (/ P95)"


def test_the_table_counts_verdicts_with_their_interval():
    runs = [replace(RUN, took_s=seconds) for seconds in (40.0, 60.0, 100.0)]
    runs += [replace(RUN, verdict="void", void_reasons=("busy",)), replace(RUN, verdict="faster")]
    runs += [replace(RUN, case=SLOW, verdict="slower"), replace(RUN, case=SLOW, verdict="inconclusive")]
    _, _, identical, slow = table(runs).splitlines()
    assert identical == "| identical | 5 | 0 | 0.0 to 60.2 % | 4 | 0 | 1 | 40 | 100 |"
    assert slow == "| 5 % cpu, all endpoints | 2 | 1 | 1.3 to 98.7 % | 0 | 1 | 0 | 40 | 40 |"


def test_of_nothing_no_share_is_told():
    assert share_interval(0, 0) == ""
