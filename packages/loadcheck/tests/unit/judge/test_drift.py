"""Runs whose memory and latency grow, or hold still."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from loadcheck.judge.drift import latency_drift, memory_drift
from loadcheck.model.facts import GeneratorFacts, Window
from loadcheck.model.objectives import Verdict
from loadcheck.model.resources import Moment
from loadcheck.model.samples import Label, Row, Samples
from loadcheck.model.workload import closed
from loadcheck.run.generator import Run

GOOD = Label("GET", "/a", 200)
BAD = Label("GET", "/a", 500, "HTTP 500")
WARM_UP_S, END_S = 60.0, 160.0
NOISE = np.random.default_rng(1).normal(0, 1, 2_000)
Course = Callable[[float], float]


def run(memory_mb: Course = lambda _: 50, latency_ms: Course = lambda _: 5, label: Label = GOOD) -> Run:
    """A hundred judged seconds after sixty of warm-up."""
    return Run(
        workload=closed("x.py:X", users=1, hold_s=END_S),
        folder=Path(),
        facts=GeneratorFacts(
            started_at=0,
            ended_s=END_S,
            judged=Window(start_s=WARM_UP_S, end_s=END_S, users=1),
            has_spawned=True,
            cpu_share=0,
            own_cores=0,
            machine_busy_cores=0,
            machine_cores=2,
            lag_p95_ms=0,
            mean_wait_s=0,
            unfinished_users=0,
        ),
        samples=Samples.of_rows(_rows(latency_ms, label)),
        under_test="server",
        usage={},
        whole_usage={},
        servers={"server": tuple(_moments(memory_mb))},
        settings={},
        counters={},
    )


def _rows(latency_ms: Course, label: Label):
    for number, at_s in enumerate(np.arange(0, END_S, 0.1).tolist()):
        took_ms = max(latency_ms(at_s) + 0.2 * NOISE[number], 0.01)
        yield Row(
            label=label,
            intended_s=at_s,
            start_s=at_s,
            first_byte_ms=1,
            response_ms=took_ms,
            done_s=at_s + took_ms / 1_000,
            size=1,
        )


def _moments(memory_mb: Course):
    for number, at_s in enumerate(np.arange(0, END_S, 0.25).tolist()):
        memory_bytes = int((memory_mb(at_s) + 0.1 * NOISE[number]) * 1e6)
        yield Moment(at_s=at_s, cores=0, memory_bytes=memory_bytes, open_files=1, threads=1, lag_ms=None)


def leaking(at_s: float) -> float:
    return 50 + 0.1 * at_s


@pytest.mark.parametrize(("at_most_mb", "expected"), [(20, "met"), (1, "missed"), (10, "inconclusive")])
def test_memory_that_grows_by_ten_megabytes_is_found_and_held_against_the_limit(
    at_most_mb: float, expected: Verdict
) -> None:
    found = memory_drift(run(memory_mb=leaking), at_most_mb=at_most_mb)
    assert found.figure == pytest.approx(10, abs=0.5)
    assert found.verdict == expected
    assert bool(found.reason) is (expected == "inconclusive")
    assert str(found.limit) == f"memory drift ≤ {at_most_mb} MB"


def test_memory_that_grows_only_while_warming_up_does_not_drift() -> None:
    found = memory_drift(run(memory_mb=lambda at_s: 50 + min(at_s, WARM_UP_S)), at_most_mb=1)
    assert found.verdict == "met"
    assert found.figure == pytest.approx(0, abs=0.2)


def test_latency_that_creeps_up_is_missed() -> None:
    found = latency_drift(run(latency_ms=lambda at_s: 5 + 0.05 * at_s), at_most_ms=2)
    assert found.figure == pytest.approx(5, abs=0.5)
    assert found.verdict == "missed"
    assert found.interval
    assert found.interval.low < 5 < found.interval.high


def test_steady_latency_is_met() -> None:
    assert latency_drift(run(), at_most_ms=1).verdict == "met"


def test_failures_say_nothing_about_latency() -> None:
    found = latency_drift(run(label=BAD), at_most_ms=1)
    assert found.verdict == "inconclusive"


def test_memory_that_takes_one_step_cannot_have_grown_by_more() -> None:
    found = memory_drift(run(memory_mb=lambda at_s: 50 + 3 * (at_s > 30)), at_most_mb=4)
    assert found.verdict == "met"
    assert found.interval
    assert found.interval.high <= 4
