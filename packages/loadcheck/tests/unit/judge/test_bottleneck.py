"""What a trial of a search for the highest load tells."""

import msgspec
import pytest

from loadcheck.judge.capacity import trial_of
from loadcheck.judge.measured import Measured
from loadcheck.judge.verdicts import judge
from loadcheck.model.facts import GeneratorFacts, Window
from loadcheck.model.judgement import claim
from loadcheck.model.objectives import objective
from loadcheck.model.resources import Usage
from loadcheck.model.result import Result
from loadcheck.model.samples import Label

GOOD = Label("GET", "/a", 200)
BAD = Label("GET", "/a", 500, "HTTP 500")
FACTS = GeneratorFacts(
    started_at=0,
    ended_s=10,
    judged=Window(start_s=0, end_s=10, users=5),
    has_spawned=True,
    cpu_share=0.25,
    own_cores=0.25,
    machine_busy_cores=1,
    machine_cores=2,
    lag_p95_ms=1,
    mean_wait_s=1,
    unfinished_users=0,
)
USAGE = Usage(cpu_s=9, cores=0.9, peak_memory_bytes=1, peak_open_files=1, peak_threads=1, lag_max_ms=None)


@pytest.fixture
def slow(samples) -> Result:
    """A run in which one request failed and all took 20 ms."""
    measured = Measured(samples=samples((GOOD, [20.0] * 99), (BAD, [1.0])), end_s=10)
    return Result(
        scenario="case",
        judgements=(judge(objective("/a", max_ms=8), measured),),
        claims=(claim("loads", 2, "≤", 1), claim("jobs", 1, "≤", 1)),
        usage={"server": USAGE},
        generator=FACTS,
    )


def test_what_was_too_much_names_each_limit_that_was_passed_and_who_was_busy(slow: Result) -> None:
    trial = trial_of(50, slow)
    assert (trial.load, trial.verdict) == (50, "missed")
    assert trial.reason.split("; ") == [
        "/a 1 % (no failures)",
        "/a 20 ms (max ≤ 8 ms)",
        "2 (loads ≤ 1)",
        "server at 0.90 cores",
        "load generator at 0.25 cores",
    ]


def test_its_figures_are_those_that_decide(slow: Result) -> None:
    assert trial_of(50, slow).figures == {
        "server cores": 0.9,
        "generator cores": 0.25,
        "rate_per_s": 10.0,
        "p95_ms": 20.0,
    }


def test_what_was_met_gives_no_reason() -> None:
    trial = trial_of(50, Result(scenario="case", claims=(claim("jobs", 1, "≤", 1),), usage={"server": USAGE}))
    assert (trial.verdict, trial.reason, trial.figures) == ("met", "", {"server cores": 0.9})


def test_a_void_trial_says_why(slow: Result) -> None:
    void = msgspec.structs.replace(slow, void_reasons=("the generator lagged",), judgements=())
    assert trial_of(50, void).reason.startswith("the generator lagged; 2 (loads ≤ 1); ")


def test_where_nothing_succeeded_there_is_no_latency(samples) -> None:
    judgement = judge(objective(), Measured(samples=samples((BAD, [1.0])), end_s=10))
    trial = trial_of(50, Result(scenario="case", judgements=(judgement,)))
    assert trial.figures == {"rate_per_s": 0.1, "p95_ms": 0.0}
