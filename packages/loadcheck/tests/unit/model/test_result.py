"""What a scenario's verdict is, and what is told of it."""

from collections.abc import Callable

import msgspec
import pytest

from loadcheck.judge.measured import Measured
from loadcheck.judge.scenario import slowest
from loadcheck.judge.verdicts import judge
from loadcheck.model.judgement import claim
from loadcheck.model.objectives import Objective, Verdict, objective
from loadcheck.model.resources import Moment
from loadcheck.model.result import NotMet, ObjectiveMissed, Result, RunInconclusive, RunVoid, explain, insist
from loadcheck.model.samples import Label, Samples

Build = Callable[..., Samples]
GOOD = Label("GET", "/a", 200, cache="hit")
BAD = Label("GET", "/a", 500, "HTTP 500")
LATE = Label("GET", "/a", 0, "TimeoutError")
NO_FAILURES = objective()
BUSY = ("something else kept 1.0 of 2 cores busy",)
MOMENT = Moment(at_s=9.9, cores=0.75, memory_bytes=61_000_000, open_files=9, threads=2, lag_ms=12.0)


def result(samples: Samples, promised: Objective = NO_FAILURES, void: tuple[str, ...] = ()) -> Result:
    judgement = judge(promised, Measured(samples=samples, start_s=0, end_s=10))
    return Result(scenario="case", judgements=(judgement,), void_reasons=void)


@pytest.mark.parametrize(
    ("promised", "expected"),
    [
        (objective(p95_ms=8), "met"),
        (objective(p95_ms=0.5), "missed"),
        (objective(p99_ms=8), "inconclusive"),
    ],
)
def test_a_valid_run_is_worth_its_worst_limit(promised: Objective, expected: Verdict, samples: Build) -> None:
    assert result(samples((GOOD, [1.0] * 100)), promised).verdict == expected


@pytest.mark.parametrize("promised", [objective(p95_ms=8), objective(p95_ms=0.5), objective(p99_ms=8)])
def test_a_void_run_says_nothing_about_latency(promised: Objective, samples: Build) -> None:
    assert result(samples((GOOD, [1.0] * 100)), promised, BUSY).verdict == "void"


def test_a_void_run_does_not_excuse_failures(samples: Build) -> None:
    assert result(samples((GOOD, [1.0] * 100), (BAD, [1.0])), objective(p95_ms=8), BUSY).verdict == "missed"


def test_a_void_run_excuses_late_answers_which_a_valid_one_does_not(samples: Build) -> None:
    late = samples((GOOD, [1.0] * 100), (LATE, [1.0]))
    assert result(late, void=BUSY).verdict == "void"
    assert result(late).verdict == "missed"


def test_a_void_run_does_not_excuse_a_wrong_count() -> None:
    wrong, slow = claim("loads", 2, "=", 1), claim("ratio", 2, "≥", 20)
    assert Result(scenario="case", claims=(wrong,), void_reasons=BUSY).verdict == "missed"
    assert Result(scenario="case", claims=(slow,), void_reasons=BUSY).verdict == "void"
    assert Result(scenario="case", claims=(slow,)).verdict == "missed"


def test_failures_that_may_be_too_many_are_inconclusive_not_missed(samples: Build) -> None:
    found = result(samples((GOOD, [1.0] * 94), (BAD, [1.0] * 6)), objective(failure_ratio=0.05))
    assert found.verdict == "inconclusive"


def test_the_worst_of_judgements_and_claims_counts(samples: Build) -> None:
    met = result(samples((GOOD, [1.0] * 100)), objective(p95_ms=8))
    void = claim("refreshes", 0, "≥", 1, otherwise="void")
    assert msgspec.structs.replace(met, claims=(void,)).verdict == "void"


def test_a_run_that_promises_nothing_has_met_nothing() -> None:
    assert Result(scenario="empty").verdict == "void"


@pytest.mark.parametrize(
    ("verdict", "error"),
    [("missed", ObjectiveMissed), ("inconclusive", RunInconclusive), ("void", RunVoid)],
)
def test_each_bad_verdict_has_its_error(verdict: Verdict, error: type[NotMet]) -> None:
    bad = Result(scenario="case", claims=(claim("x", 2, "≤", 1, otherwise=verdict),))
    with pytest.raises(error, match=f"case: {verdict}") as caught:
        insist(bad)
    assert caught.value.result is bad


def test_what_was_met_is_not_insisted_on() -> None:
    insist(Result(scenario="case", claims=(claim("x", 1, "≤", 1),)))


def test_it_explains_limit_by_limit_what_was_not_met(samples: Build) -> None:
    found = msgspec.structs.replace(
        result(samples((GOOD, [1.0] * 100), (BAD, [1.0])), objective(p95_ms=8, max_ms=0.5)),
        claims=(claim("loads", 2, "=", 1), claim("jobs", 0, "≤", 1)),
        failures={"GET /a: HTTP 500": 1},
    )
    assert explain(found).splitlines() == [
        "case: missed",
        "  all requests missed: 0.99 %, promised no failures",
        "  all requests missed: 1 ms, promised max ≤ 0.5 ms",
        "  missed: 2, promised loads = 1",
        "  1 x GET /a: HTTP 500",
    ]


def test_it_explains_why_a_run_is_void(samples: Build) -> None:
    assert explain(result(samples((GOOD, [1.0] * 100)), void=BUSY)).splitlines() == [
        "case: void",
        "  something else kept 1.0 of 2 cores busy",
    ]


def test_it_explains_a_miss_by_the_slowest_requests_and_the_server_at_that_time(samples: Build) -> None:
    taken = samples((GOOD, [1.0] * 99 + [30.0]))
    found = msgspec.structs.replace(
        result(taken, objective(max_ms=8)), slowest=slowest(taken, (MOMENT,), count=1)
    )
    assert explain(found).splitlines()[-2:] == [
        "  the slowest requests, and the server at that time:",
        f"    {found.slowest[0]}",
    ]
    assert str(found.slowest[0]).endswith("; server 0.75 cores, loop 12.0 ms late, 61 MB")
    assert "slowest" not in explain(msgspec.structs.replace(found, void_reasons=BUSY))
