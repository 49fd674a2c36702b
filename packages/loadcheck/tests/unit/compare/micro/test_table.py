import pytest
from packages.loadcheck.tests.unit.compare.outcomes import ENVIRONMENT

from loadcheck.compare.comparison import Judged
from loadcheck.compare.decide import ChangeVerdict, Rules
from loadcheck.compare.micro.benchmarks import MicroComparison
from loadcheck.compare.micro.table import render_micro, time_of


def figure(name: str, verdict: ChangeVerdict, change: float) -> Judged:
    return Judged(
        endpoint=f"tests/perf/micro/test_answers.py::{name}",
        metric="CPU",
        base=0.25,
        head=0.25 * (1 + change),
        change=change,
        low=change - 0.02,
        high=change + 0.02,
        verdict=verdict,
        visible=0.07,
    )


OUTCOME = MicroComparison(
    base="b" * 40,
    base_name="origin/main",
    head="a" * 40,
    verdict="slower",
    figures=(
        figure("test_page[1/2]", "not slower", 0.001),
        figure("test_verify", "inconclusive", 0.03),
        figure("test_search[name]", "slower", 0.1),
        figure("test_keep", "slower", 0.2),
    ),
    left_out={"tests/perf/micro/test_new.py::test_new": "base cannot run it: it was skipped"},
    ratios={},
    rules=Rules(),
    rounds=9,
    took_s=270.4,
    seed=1,
    environment=ENVIRONMENT,
)


def lines_of(outcome: MicroComparison) -> list[str]:
    return render_micro(outcome, 140, has_colour=False).splitlines()


def test_the_worst_comes_first():
    lines = lines_of(OUTCOME)

    assert [line.split()[0] for line in lines[1:5]] == [
        "test_answers.py::test_keep",
        "test_answers.py::test_search[name]",
        "test_answers.py::test_verify",
        "test_answers.py::test_page[1/2]",
    ]


def test_a_line_tells_both_sides_the_change_and_how_sure_it_is():
    line = lines_of(OUTCOME)[1]

    assert " ".join(line.split()[1:]) == "250 µs 300 µs +20.0 % +18.0 % to +22.0 % slower"


def test_below_it_stand_what_could_have_been_seen_what_was_left_out_and_the_verdict():
    assert lines_of(OUTCOME)[5:] == [
        "test_answers.py::test_verify: a rise of 7.0 % would have been seen",
        "left out: test_new.py::test_new: base cannot run it: it was skipped",
        "slower: 4 benchmarks in 9 rounds, 270 s; base origin/main (bbbbbbbbbbbb)",
    ]


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [(2_500.0, "2.5 s"), (12.345, "12.3 ms"), (0.0421, "42.1 µs"), (0.00042, "420 ns"), (5e-7, "0.5 ns")],
)
def test_a_time_has_the_unit_that_fits(time_ms, text):
    assert time_of(time_ms) == text
