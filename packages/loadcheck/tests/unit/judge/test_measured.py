"""Each metric of samples whose figures are known."""

import math
from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from loadcheck.judge.measured import SAMPLES_FOR_MEAN, Estimate, Measured, percentile_share
from loadcheck.model.judgement import UNBOUNDED
from loadcheck.model.resources import Usage
from loadcheck.model.samples import NO_ENDPOINT, Label, Samples

Build = Callable[..., Samples]
HIT = Label("GET", "/a", 200, cache="hit")
STALE = Label("GET", "/a", 200, cache="stale")
MISS = Label("GET", "/a", 200, cache="miss")
BAD = Label("GET", "/b", 500, "HTTP 500")
LOST = Label("", NO_ENDPOINT, 0, "KeyError")
USAGE = Usage(
    cpu_s=5, cores=0.5, peak_memory_bytes=64_000_000, peak_open_files=20, peak_threads=4, lag_max_ms=7.5
)
UP_TO_100 = [float(number * 37 % 101) for number in range(1, 101)]
"""1 to 100 in no order: a trend would be uncertainty."""


def measured(samples: Samples, **more) -> Measured:
    return Measured(samples=samples, start_s=0.0, end_s=10.0, **more)


def test_a_fast_failure_does_not_improve_latency(samples: Build) -> None:
    found = measured(samples((HIT, [8.0]), (BAD, [0.1]))).summary()
    assert (found.mean_ms, found.p95_ms, found.max_ms) == (8.0, 8.0, 8.0)
    assert (found.requests, found.failures, found.failure_ratio) == (2, 1, 0.5)


def test_without_successes_there_is_no_latency(samples: Build) -> None:
    found = measured(samples((BAD, [0.1]))).summary()
    assert (found.mean_ms, found.p50_ms, found.max_ms, found.failure_ratio) == (None, None, None, 1.0)
    assert (found.p95_interval, found.first_byte_p95_ms) == (None, None)


def test_no_samples_are_no_figures() -> None:
    found = Measured(samples=Samples()).summary()
    assert (found.requests, found.failure_ratio, found.rate_per_s, found.mean_bytes) == (0, 0.0, 0.0, 0.0)


def test_the_summary_tells_every_figure(samples: Build) -> None:
    found = measured(samples((HIT, UP_TO_100), waited_ms=1.0), dropped=3).summary()
    told = msgspec.to_builtins(found)
    del told["p95_interval"]
    assert told == {
        "requests": 100,
        "failures": 0,
        "dropped": 3,
        "failure_ratio": 0,
        "rate_per_s": 10,
        "mean_ms": pytest.approx(51.5),
        "p50_ms": pytest.approx(51.5),
        "p90_ms": pytest.approx(91.1),
        "p95_ms": pytest.approx(96.05),
        "p99_ms": pytest.approx(100.01),
        "max_ms": pytest.approx(101),
        "service_p95_ms": pytest.approx(95.05),
        "first_byte_p95_ms": pytest.approx(47.525),
        "hit_ratio": 1,
        "stale_ratio": 0,
        "mean_bytes": 10,
    }
    assert found.p95_interval
    assert found.p95_interval.low < 96.05 <= found.p95_interval.high


def test_a_stale_answer_is_a_hit_too_and_failures_are_neither(samples: Build) -> None:
    found = measured(samples((HIT, [1]), (STALE, [1]), (MISS, [1, 1]), (BAD, [1]))).summary()
    assert (found.hit_ratio, found.stale_ratio) == (0.5, 0.25)


def test_the_rate_counts_what_ended_in_time_and_the_rest_counts_all(samples: Build) -> None:
    found = Measured(samples=samples((HIT, [1.0] * 11), over_s=20), start_s=0, end_s=10).summary()
    assert (found.rate_per_s, found.requests) == (0.6, 11)


@pytest.mark.parametrize(
    ("metric", "figure"),
    [
        ("mean_ms", 60.5),
        ("max_ms", 110),
        ("p50_ms", 60.5),
        ("p95_ms", 105.05),
        ("p99_9_ms", 109.901),
        ("service_mean_ms", 50.5),
        ("service_p50_ms", 50.5),
        ("service_max_ms", 100),
        ("first_byte_p50_ms", 25.25),
        ("first_byte_mean_ms", 25.25),
        ("first_byte_max_ms", 50),
        ("rate_per_s", 10),
        ("failure_ratio", 0),
        ("hit_ratio", 1),
        ("stale_ratio", 0),
        ("dropped_ratio", 0.2),
        ("cpu_cores", 0.5),
        ("memory_mb", 64),
        ("threads", 4),
        ("open_files", 20),
        ("lag_max_ms", 7.5),
        ("upstream_calls", 12),
    ],
)
def test_each_metric_has_its_figure(samples: Build, metric: str, figure: float) -> None:
    run = measured(
        samples((HIT, UP_TO_100), waited_ms=10), dropped=25, usage=USAGE, counters={"upstream_calls": 12.0}
    )
    assert run.estimate(metric).figure == pytest.approx(figure)


@pytest.mark.parametrize("metric", ["mean_ms", "p95_ms", "failure_ratio", "hit_ratio"])
def test_what_a_longer_run_would_tell_better_has_an_interval(samples: Build, metric: str) -> None:
    found = measured(samples((HIT, UP_TO_100 * 3), (MISS, UP_TO_100), (BAD, [1.0] * 9))).estimate(metric)
    assert found.figure is not None
    assert found.interval
    assert found.interval.low < found.figure < found.interval.high < math.inf


@pytest.mark.parametrize("metric", ["max_ms", "rate_per_s", "dropped_ratio", "threads", "calls"])
def test_what_is_a_fact_of_this_run_has_none(samples: Build, metric: str) -> None:
    run = measured(samples((HIT, UP_TO_100)), usage=USAGE, counters={"calls": 1.0})
    assert run.estimate(metric).interval is None


def test_percentiles_and_means_say_how_many_samples_they_need(samples: Build) -> None:
    run = measured(samples((HIT, UP_TO_100)))
    needed = {metric: run.estimate(metric).needed for metric in ("p50_ms", "p95_ms", "p99_ms", "mean_ms")}
    assert needed == {"p50_ms": 6, "p95_ms": 72, "p99_ms": 368, "mean_ms": SAMPLES_FOR_MEAN}
    assert run.estimate("p50_ms").had == 100


@pytest.mark.parametrize("metric", ["mean_ms", "max_ms", "p95_ms", "first_byte_p95_ms", "hit_ratio"])
def test_failures_alone_leave_nothing_to_measure(samples: Build, metric: str) -> None:
    found = measured(samples((BAD, [1.0] * 9))).estimate(metric)
    assert (found.figure, found.had) == (None, 0)
    assert found.interval in (None, UNBOUNDED)


def test_nobody_asked_and_nobody_was_dropped() -> None:
    assert Measured(samples=Samples()).estimate("dropped_ratio").figure == 0
    assert Measured(samples=Samples()).estimate("failure_ratio").figure is None


def test_a_server_that_nobody_watched_has_no_figures(samples: Build) -> None:
    assert measured(samples((HIT, [1.0]))).estimate("cpu_cores") == Estimate(figure=None, had=1)


def test_answers_whose_first_byte_is_unknown_do_not_count_in_its_figures(samples: Build) -> None:
    found = samples((HIT, [2.0, 4.0, 6.0]))
    found = msgspec.structs.replace(found, first_byte_ms=np.array([1.0, math.nan, 3.0]))
    estimate = measured(found).estimate("first_byte_mean_ms")
    assert (estimate.figure, estimate.had) == (2.0, 2)


def test_an_unknown_counter_is_answered_by_those_that_there_are(samples: Build) -> None:
    found = samples((HIT, [1.0]))
    with pytest.raises(LookupError, match="nothing measured 'loads'; counters of this run: calls, jobs"):
        measured(found, counters={"calls": 1, "jobs": 2}).estimate("loads")
    with pytest.raises(LookupError, match="counters of this run: none"):
        measured(found).estimate("loads")


def test_an_endpoints_figures_are_of_its_own_requests_and_of_lost_users(samples: Build) -> None:
    run = measured(
        samples((HIT, [1.0] * 3), (BAD, [1.0]), (LOST, [0.0])), usage=USAGE, counters={"calls": 1.0}
    )
    found = run.of("/a")
    assert (found.summary().requests, found.summary().failures) == (4, 1)
    assert found.estimate("threads").figure == 4
    assert found.estimate("calls").figure == 1
    assert found.estimate("rate_per_s").figure == 0.4
    assert run.of(None) is run


@pytest.mark.parametrize(
    ("metric", "share"),
    [("p95_ms", 0.95), ("p99_9_ms", 0.999), ("service_p50_ms", 0.5), ("mean_ms", None), ("loads", None)],
)
def test_a_percentiles_name_is_its_share(metric: str, share: float | None) -> None:
    assert percentile_share(metric) == (None if share is None else pytest.approx(share))
