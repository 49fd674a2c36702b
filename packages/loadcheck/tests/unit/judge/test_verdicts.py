"""Verdicts on samples whose figures are known."""

import re
from collections.abc import Callable

import pytest

from loadcheck.judge.measured import Measured
from loadcheck.judge.verdicts import NO_REQUEST, check, judge, with_the_rest
from loadcheck.model.judgement import Check, Interval, claim, is_kept
from loadcheck.model.objectives import Limit, Objective, Verdict, objective
from loadcheck.model.resources import Usage
from loadcheck.model.samples import NO_ENDPOINT, Label, Samples

Build = Callable[..., Samples]
GOOD = Label("GET", "/a", 200, cache="hit")
STALE = Label("GET", "/a", 200, cache="stale")
BAD = Label("GET", "/a", 500, "HTTP 500")
LATE = Label("GET", "/a", 0, "TimeoutError")
OTHER = Label("GET", "/b", 200)
LOST = Label("", NO_ENDPOINT, 0, "KeyError")


def measured(samples: Samples, **more) -> Measured:
    return Measured(samples=samples, start_s=0.0, end_s=10.0, **more)


def verdict(promised: Objective, samples: Samples, **more) -> Verdict:
    return judge(promised, measured(samples, **more)).verdict


def slow_every(step: int, count: int = 400) -> list[float]:
    """One in so many takes 9 ms, the rest takes 1 ms."""
    return [9.0 if number % step == step // 2 else 1.0 for number in range(count)]


def test_within_every_limit_is_met(samples: Build) -> None:
    promised = objective(
        p50_ms=8, p95_ms=8, service_p95_ms=8, first_byte_p95_ms=8, mean_ms=8, max_ms=8, min_rate_per_s=10,
        min_hit_ratio=1,
    )  # fmt: skip
    assert verdict(promised, samples((GOOD, [8.0] * 100))) == "met"


@pytest.mark.parametrize(
    "promised",
    [
        objective(p95_ms=7.9),
        objective(mean_ms=7.9),
        objective(max_ms=7.9),
        objective(service_p95_ms=7.9),
        objective(first_byte_p95_ms=3.9),
        objective(min_rate_per_s=10.1),
        objective(min_stale_ratio=0.5),
        objective(hit_ratio=0.5),
        objective(dropped_ratio=0.04),
        objective(memory_mb=63),
        objective(upstream_calls=2),
        objective(exactly_upstream_calls=2),
        objective(min_upstream_calls=4),
        objective(min_p50_ms=8.1),
    ],
)
def test_beyond_one_limit_is_missed(promised: Objective, samples: Build) -> None:
    usage = Usage(
        cpu_s=1, cores=1, peak_memory_bytes=64_000_000, peak_open_files=1, peak_threads=1, lag_max_ms=None
    )
    more = {"dropped": 5, "usage": usage, "counters": {"upstream_calls": 3.0}}
    assert verdict(promised, samples((GOOD, [8.0] * 100)), **more) == "missed"


@pytest.mark.parametrize(("step", "expected"), [(40, "met"), (20, "inconclusive"), (10, "missed")])
def test_a_percentile_is_judged_by_how_many_answers_are_over_its_limit(
    step: int, expected: Verdict, samples: Build
) -> None:
    assert verdict(objective(p95_ms=8), samples((GOOD, slow_every(step)))) == expected


def test_what_a_run_cannot_tell_says_what_it_could_have_told(samples: Build) -> None:
    spread = [1.0 + number * 37 % 101 / 50 for number in range(400)]
    found = check(Limit("mean_ms", "≤", 2), measured(samples((GOOD, spread))))
    assert found.interval
    assert found.interval.low < 2 < found.interval.high
    assert found.verdict == "inconclusive"
    told = r"this run could tell only a limit below 1\.\d+ ms or above 2\.\d+ ms; a longer one tells more"
    assert re.fullmatch(told, found.reason)


def test_too_few_samples_for_a_percentile_are_inconclusive_saying_how_many_it_takes(samples: Build) -> None:
    found = check(Limit("p99_ms", "≤", 8), measured(samples((GOOD, [1.0] * 367))))
    assert (found.verdict, found.reason) == ("inconclusive", "367 samples, 368 needed")
    assert check(Limit("p99_ms", "≤", 8), measured(samples((GOOD, [1.0] * 368)))).verdict == "met"


def test_a_miss_needs_no_more_samples(samples: Build) -> None:
    found = check(Limit("p99_ms", "≤", 0.5), measured(samples((GOOD, [1.0] * 100))))
    assert (found.verdict, found.reason) == ("missed", "")


def test_too_few_samples_for_a_mean_are_inconclusive(samples: Build) -> None:
    found = check(Limit("mean_ms", "≤", 8), measured(samples((GOOD, [1.0] * 29))))
    assert (found.verdict, found.reason) == ("inconclusive", "29 samples, 30 needed")


def test_fast_failures_are_missed_not_fast(samples: Build) -> None:
    assert verdict(objective(p95_ms=8), samples((GOOD, [1.0] * 100), (BAD, [0.1]))) == "missed"


def test_failures_may_be_allowed_up_to_a_share(samples: Build) -> None:
    promised = objective(failure_ratio=0.05)
    assert verdict(promised, samples((GOOD, [1.0] * 499), (BAD, [1.0]))) == "met"
    assert verdict(promised, samples((GOOD, [1.0] * 95), (BAD, [1.0] * 5))) == "inconclusive"
    assert verdict(promised, samples((GOOD, [1.0] * 80), (BAD, [1.0] * 20))) == "missed"


@pytest.mark.parametrize(
    "promised", [objective(min_hit_ratio=1.0), objective(stale_ratio=0.0), objective(exactly_hit_ratio=1.0)]
)
def test_a_share_of_none_or_all_speaks_of_this_runs_requests(promised: Objective, samples: Build) -> None:
    assert verdict(promised, samples((GOOD, [1.0] * 3))) == "met"
    found = judge(promised, measured(samples((GOOD, [1.0] * 3)))).checks[-1]
    assert found.interval is None
    if promised.limits[-1].metric == "stale_ratio":
        assert verdict(promised, samples((GOOD, [1.0] * 999), (STALE, [1.0]))) == "missed"


def test_the_rate_is_a_fact(samples: Build) -> None:
    assert verdict(objective(min_rate_per_s=0.3), samples((GOOD, [1.0] * 3))) == "met"
    assert verdict(objective(min_rate_per_s=0.31), samples((GOOD, [1.0] * 3))) == "missed"


def test_failures_alone_are_missed_whatever_latency_was_promised(samples: Build) -> None:
    found = judge(objective(p95_ms=8), measured(samples((BAD, [1.0] * 60))))
    assert [each.verdict for each in found.checks] == ["missed", "inconclusive"]
    assert found.verdict == "missed"


def test_no_requests_are_inconclusive() -> None:
    found = judge(objective(p95_ms=8), measured(Samples()))
    assert [(each.verdict, each.reason) for each in found.checks] == [
        ("inconclusive", NO_REQUEST),
        ("inconclusive", NO_REQUEST),
    ]


def test_an_endpoint_is_judged_by_its_own_samples(samples: Build) -> None:
    both = samples((OTHER, [1.0] * 99), (BAD, [1.0]))
    assert verdict(objective("/b"), both) == "met"
    assert verdict(objective("/a"), both) == "missed"
    assert verdict(objective(), both) == "missed"


def test_failures_of_no_endpoint_count_against_each(samples: Build) -> None:
    assert verdict(objective("/a"), samples((GOOD, [1.0] * 60), (LOST, [0.0]))) == "missed"


def test_late_answers_are_told_from_failures_that_come_in_time(samples: Build) -> None:
    late = judge(objective(), measured(samples((GOOD, [1.0] * 9), (LATE, [1.0]))))
    assert (late.verdict, late.punctual_failures, late.has_failed) == ("missed", 0, False)
    wrong = judge(objective(), measured(samples((GOOD, [1.0] * 9), (BAD, [1.0]))))
    assert (wrong.verdict, wrong.punctual_failures, wrong.has_failed) == ("missed", 1, True)


def test_no_more_than_the_allowed_share_has_not_failed(samples: Build) -> None:
    tenth = samples((GOOD, [1.0] * 9), (BAD, [1.0]))
    assert not judge(objective(failure_ratio=0.1), measured(tenth)).has_failed
    assert judge(objective(failure_ratio=0.09), measured(tenth)).has_failed


def test_where_failures_are_asked_for_they_are_no_fault(samples: Build) -> None:
    found = judge(objective(min_failure_ratio=0.5), measured(samples((BAD, [1.0] * 60))))
    assert (found.verdict, found.has_failed) == ("met", False)


def test_endpoints_that_no_objective_concerns_must_not_fail_either(samples: Build) -> None:
    run = measured(samples((GOOD, [1.0]), (OTHER, [1.0]), (LOST, [0.0])))
    assert with_the_rest((objective("/a", p95_ms=8),), run) == (objective("/a", p95_ms=8), objective("/b"))


def test_an_objective_for_all_requests_leaves_no_rest(samples: Build) -> None:
    promised = (objective(p95_ms=8), objective("/a", p50_ms=2))
    assert with_the_rest(promised, measured(samples((GOOD, [1.0]), (OTHER, [1.0])))) == promised


def test_without_objectives_every_endpoint_must_not_fail(samples: Build) -> None:
    assert with_the_rest((), measured(samples((OTHER, [1.0]), (GOOD, [1.0])))) == (
        objective("/a"),
        objective("/b"),
    )


@pytest.mark.parametrize(("lost", "verdict"), [([], "inconclusive"), ([0.0], "missed")])
def test_users_that_asked_nothing_have_met_nothing(
    samples: Build, lost: list[float], verdict: Verdict
) -> None:
    run = measured(samples((LOST, lost)))
    (promised,) = with_the_rest((), run)
    assert judge(promised, run).verdict == verdict


def test_a_claim_is_met_or_missed_or_void_as_told() -> None:
    assert claim("ratio", 20, "≥", 20).verdict == "met"
    assert claim("loads", 2, "=", 1).verdict == "missed"
    assert claim("refreshes", 1, "≥", 2, otherwise="void").verdict == "void"


def test_a_limit_may_be_reached_but_not_passed() -> None:
    assert is_kept(2, Limit("loads", "≤", 2))
    assert not is_kept(3, Limit("loads", "≤", 2))
    assert is_kept(2, Limit("loads", "≥", 2))
    assert not is_kept(1, Limit("loads", "≥", 2))
    assert not is_kept(1, Limit("loads", "=", 2))


@pytest.mark.parametrize(
    ("found", "is_wrong"),
    [(claim("loads", 2, "=", 1), True), (claim("loads", 1, "=", 1), False), (claim("x", 2, "≤", 1), False)],
)
def test_a_wrong_count_is_one_that_had_to_be_exact(found: Check, *, is_wrong: bool) -> None:
    assert found.is_wrong_count is is_wrong


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            Check(limit=Limit("failure_ratio", "≤", 0), figure=0, verdict="met"),
            "met: 0 %, promised no failures",
        ),
        (
            Check(
                limit=Limit("p95_ms", "≤", 8),
                figure=7,
                interval=Interval(6.1, 7.25),
                verdict="met",
                reason="",
            ),
            "met: 7 ms [6.1 ms to 7.25 ms], promised p95 ≤ 8 ms",
        ),
        (
            Check(
                limit=Limit("p95_ms", "≤", 8), figure=1, verdict="inconclusive", reason="1 samples, 72 needed"
            ),
            "inconclusive: 1 ms, promised p95 ≤ 8 ms (1 samples, 72 needed)",
        ),
        (
            Check(limit=Limit("max_ms", "≤", 8), figure=None, verdict="inconclusive"),
            "inconclusive: nothing, promised max ≤ 8 ms",
        ),
    ],
)
def test_a_check_reads_as_a_sentence(found: Check, sentence: str) -> None:
    assert str(found) == sentence
