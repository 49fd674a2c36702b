import math

import pytest

from loadcheck.model.objectives import Limit, is_metric, objective, with_unit, worst

NO_FAILURES = Limit("failure_ratio", "≤", 0.0)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("p95_ms", Limit("p95_ms", "≤", 5)),
        ("p99_9_ms", Limit("p99_9_ms", "≤", 5)),
        ("mean_ms", Limit("mean_ms", "≤", 5)),
        ("service_p95_ms", Limit("service_p95_ms", "≤", 5)),
        ("first_byte_max_ms", Limit("first_byte_max_ms", "≤", 5)),
        ("min_rate_per_s", Limit("rate_per_s", "≥", 5)),
        ("memory_mb", Limit("memory_mb", "≤", 5)),
        ("upstream_calls", Limit("upstream_calls", "≤", 5)),
        ("exactly_upstream_calls", Limit("upstream_calls", "=", 5)),
        ("min_upstream_calls", Limit("upstream_calls", "≥", 5)),
    ],
)
def test_a_name_says_what_is_promised(name: str, limit: Limit) -> None:
    assert objective("/a", **{name: 5}).limits == (NO_FAILURES, limit)


def test_a_share_can_be_promised() -> None:
    assert objective(min_hit_ratio=0.5).limits == (NO_FAILURES, Limit("hit_ratio", "≥", 0.5))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("failure_ratio", 5, "failure_ratio is promised as a share from 0 to 1, not 5"),
        ("min_hit_ratio", -0.1, "hit_ratio is promised as a share from 0 to 1, not -0.1"),
        ("p95_ms", math.nan, "p95_ms is promised as a number, not nan"),
    ],
)
def test_what_every_run_or_none_would_meet_is_refused(name: str, value: float, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        objective(**{name: value})


def test_nothing_may_fail_unless_said_otherwise() -> None:
    assert objective().limits == (NO_FAILURES,)
    assert objective().endpoint is None
    assert objective("/a", failure_ratio=0.1).limits == (Limit("failure_ratio", "≤", 0.1),)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("p95ms", "p95_ms"),
        ("service_95_ms", "service_p95_ms"),
        ("failures_ratio", "failure_ratio"),
        ("min_hits_ratio", "hit_ratio"),
        ("rates_per_s", "rate_per_s"),
        ("memori_mb", "memory_mb"),
        ("exactly_cpus_cores", "cpu_cores"),
    ],
)
def test_a_misspelt_metric_is_named_with_what_is_meant(name: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"is no metric; did you mean {meant}[?]") as caught:
        objective(**{name: 5})
    assert "Allowed: any p<percent>_ms, mean_ms," in str(caught.value)


@pytest.mark.parametrize("name", ["quixotic_ms", "p0_ms", "p100_ms", "p_ms"])
def test_a_name_like_no_metric_is_answered_by_those_that_there_are(name: str) -> None:
    with pytest.raises(ValueError, match=rf"'{name}' is no metric[.;].* Allowed: "):
        objective(**{name: 5})


def test_a_counter_is_no_metric_of_every_run() -> None:
    assert is_metric("p95_ms")
    assert is_metric("lag_max_ms")
    assert not is_metric("upstream_calls")


def test_missed_outweighs_void_outweighs_inconclusive_outweighs_met() -> None:
    assert worst(["met", "void", "missed", "inconclusive"]) == "missed"
    assert worst(["met", "inconclusive", "void"]) == "void"
    assert worst(["met", "inconclusive"]) == "inconclusive"
    assert worst(["met"]) == "met"


def test_the_worst_of_nothing_is_void() -> None:
    assert worst([]) == "void"


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        (Limit("failure_ratio", "≤", 0), "no failures"),
        (Limit("failure_ratio", "≤", 0.01), "failure ≤ 1 %"),
        (Limit("p99_9_ms", "≤", 8), "p99.9 ≤ 8 ms"),
        (Limit("service_p95_ms", "≤", 8), "service p95 ≤ 8 ms"),
        (Limit("rate_per_s", "≥", 150), "rate ≥ 150/s"),
        (Limit("memory_mb", "≤", 200), "memory ≤ 200 MB"),
        (Limit("upstream_calls", "=", 1), "upstream calls = 1"),
    ],
)
def test_a_limit_reads_as_a_promise(limit: Limit, sentence: str) -> None:
    assert str(limit) == sentence


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("p95_ms", 8.126, "8.13 ms"),
        ("p95_ms", 1234.5, "1,234 ms"),
        ("failure_ratio", 0.005, "0.5 %"),
        ("rate_per_s", 1234.5, "1,234/s"),
        ("memory_mb", 61.26, "61.3 MB"),
        ("cpu_cores", 0.254, "0.254 cores"),
        ("threads", 7, "7"),
        ("upstream_calls", 1000, "1,000"),
        ("mean_ms", -0.5, "-0.5 ms"),
        ("p95_ms", math.inf, "∞"),
        ("p95_ms", -math.inf, "-∞"),
    ],
)
def test_figures_carry_their_unit(metric: str, value: float, text: str) -> None:
    assert with_unit(metric, value) == text
