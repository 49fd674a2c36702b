import pytest

from loadcheck.objectives import Objective, Verdict, claim, is_kept, judge, with_unit, worst
from loadcheck.samples import NO_ENDPOINT, Label, Samples

GOOD = Label("GET", "/a", 200, cache="hit")
BAD = Label("GET", "/a", 500, "HTTP 500")
LOST = Label("", NO_ENDPOINT, 0, "KeyError")


def samples(*parts: tuple[Label, list[float]]) -> Samples:
    times = [value for _, values in parts for value in values]
    numbers = [number for number, (_, values) in enumerate(parts) for _ in values]
    same = [0] * len(times)
    return Samples(tuple(label for label, _ in parts), same, same, times, same, numbers)


def verdict(objective: Objective, *parts: tuple[Label, list[float]]) -> Verdict:
    return judge(objective, samples(*parts), duration_s=10).verdict


def test_within_every_limit_is_met() -> None:
    objective = Objective(p50_ms=8, p95_ms=8, mean_ms=8, max_ms=8, min_rate_per_s=6, min_hit_ratio=1)
    assert verdict(objective, (GOOD, [8.0] * 60)) == "met"


@pytest.mark.parametrize(
    "objective",
    [
        Objective(p95_ms=7.9),
        Objective(mean_ms=7.9),
        Objective(max_ms=7.9),
        Objective(min_rate_per_s=6.1),
        Objective(min_stale_ratio=0.5),
    ],
)
def test_beyond_one_limit_is_missed(objective: Objective) -> None:
    assert verdict(objective, (GOOD, [8.0] * 60)) == "missed"


def test_fast_failures_are_missed_not_fast() -> None:
    assert verdict(Objective(p95_ms=8), (GOOD, [1.0] * 60), (BAD, [0.1])) == "missed"


def test_some_failures_may_be_allowed() -> None:
    assert verdict(Objective(failure_ratio=0.05), (GOOD, [1.0] * 95), (BAD, [1.0] * 5)) == "met"


def test_too_few_samples_for_the_percentile_are_void() -> None:
    (_, check) = judge(Objective(p95_ms=8), samples((GOOD, [1.0] * 58)), 10).checks
    assert (check.verdict, check.reason) == ("void", "58 successes, 59 needed")


def test_failures_are_missed_even_when_latency_cannot_be_told() -> None:
    assert verdict(Objective(p95_ms=8), (BAD, [1.0] * 60)) == "missed"


def test_no_requests_are_void() -> None:
    assert verdict(Objective()) == "void"


def test_an_endpoint_is_judged_by_its_own_samples() -> None:
    other = Label("GET", "/b", 500, "HTTP 500")
    assert verdict(Objective(endpoint="/a"), (GOOD, [1.0]), (other, [1.0])) == "met"


def test_failures_of_no_endpoint_count_against_each() -> None:
    assert verdict(Objective(endpoint="/a"), (GOOD, [1.0] * 60), (LOST, [0.0])) == "missed"


def test_a_claim_is_missed_or_void_as_told() -> None:
    assert claim("ratio", 20, "≥", 20).verdict == "met"
    assert claim("loads", 2, "=", 1).verdict == "missed"
    assert claim("refreshes", 1, "≥", 2, otherwise="void").verdict == "void"
    assert not is_kept(3, "≤", 2)


def test_missed_outweighs_void_outweighs_met() -> None:
    assert worst(["met", "void", "missed"]) == "missed"
    assert worst(["met", "void"]) == "void"
    assert worst(["met"]) == "met"


def test_a_check_reads_as_a_sentence() -> None:
    checks = judge(Objective(p95_ms=8), samples((GOOD, [1.0])), 10).checks
    assert str(checks[0]) == "met: 0 %, promised no failures"
    assert str(checks[1]) == "void: 1 ms, promised p95 ≤ 8 ms (1 successes, 59 needed)"
    assert judge(Objective(failure_ratio=0.01), samples(), 10).checks[0].promise == "failure ≤ 1 %"
    assert "nothing" in str(judge(Objective(max_ms=8), samples(), 10).checks[1])


def test_figures_carry_their_unit() -> None:
    assert with_unit("p95_ms", 8.126) == "8.13 ms"
    assert with_unit("failure_ratio", 0.005) == "0.5 %"
    assert with_unit("rate_per_s", 1234.5) == "1,234/s"
    assert with_unit("loads", 7) == "7"
