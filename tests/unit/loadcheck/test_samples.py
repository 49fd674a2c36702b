import statistics
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadcheck.samples import NO_ENDPOINT, Label, Samples, figures, joined, percentile, samples_needed

GOOD = Label("GET", "/a", 200, cache="hit")
STALE = Label("GET", "/a", 200, cache="stale")
BAD = Label("GET", "/b", 500, "HTTP 500")
LOST = Label("", NO_ENDPOINT, 0, "KeyError")


def samples(*rows: tuple[Label, float, float]) -> Samples:
    labels = tuple(label for label, _, _ in rows)
    return Samples(
        labels=labels,
        start_s=[start_s for _, start_s, _ in rows],
        done_s=[start_s + 0.1 for _, start_s, _ in rows],
        response_ms=[response_ms for _, _, response_ms in rows],
        size=[10] * len(rows),
        label=range(len(rows)),
    )


def test_a_fast_failure_does_not_improve_latency() -> None:
    found = figures(samples((GOOD, 0, 8.0), (BAD, 1, 0.1)), duration_s=2)
    assert (found.mean_ms, found.p95_ms, found.failure_ratio, found.rate_per_s) == (8.0, 8.0, 0.5, 1.0)


def test_without_successes_there_is_no_latency() -> None:
    found = figures(samples((BAD, 0, 0.1)), duration_s=1)
    assert (found.mean_ms, found.p50_ms, found.max_ms, found.failure_ratio) == (None, None, None, 1.0)


def test_no_samples_are_no_figures() -> None:
    found = figures(Samples(), duration_s=0)
    assert (found.requests, found.failure_ratio, found.rate_per_s) == (0, 0.0, 0.0)


def test_a_stale_answer_is_a_hit_too() -> None:
    found = figures(samples((GOOD, 0, 1), (STALE, 0, 1), (BAD, 0, 1)), duration_s=1)
    assert (found.hit_ratio, found.stale_ratio) == (1.0, 0.5)


def test_warm_up_is_not_judged_but_lost_users_are() -> None:
    kept = samples((GOOD, 0, 1), (LOST, 0, 0), (GOOD, 5, 2)).judged_from(5)
    assert [*kept.response_ms] == [0, 2]


def test_slices_by_endpoint_and_outcome() -> None:
    found = samples((GOOD, 0, 1), (BAD, 0, 2))
    assert found.endpoints() == ("/a", "/b")
    assert [*found.of("/b").response_ms] == [2]
    assert found.of(None) is found
    assert (len(found.succeeded()), len(found.failed())) == (1, 1)
    assert found.count_by(lambda label: label.status) == {200: 1, 500: 1}


def test_joining_keeps_each_label() -> None:
    both = joined([samples((GOOD, 0, 1)), samples((BAD, 0, 2), (GOOD, 0, 3))])
    assert [both.labels[number].status for number in both.label] == [200, 500, 200]
    assert [*both.response_ms] == [1, 2, 3]


@given(st.lists(st.floats(0, 1e6), min_size=2), st.integers(1, 99))
def test_percentiles_agree_with_the_standard_library(values: list[float], percent: int) -> None:
    expected = statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
    assert percentile(sorted(values), percent / 100) == pytest.approx(expected)


def test_the_percentile_of_one_value_is_that_value() -> None:
    assert percentile(array("d", [3.5]), 0.95) == 3.5


@pytest.mark.parametrize(("share", "needed"), [(0.50, 5), (0.95, 59), (0.99, 299)])
def test_percentiles_need_samples_by_wilks(share: float, needed: int) -> None:
    assert samples_needed(share) == needed
    assert 1 - share**needed >= 0.95 > 1 - share ** (needed - 1)


def test_the_rate_counts_what_ended_in_time_and_the_rest_counts_all() -> None:
    samples = Samples((Label("GET", "/a", 200),), [0.0, 0.0], [1.0, 9.0], [1.0, 9000.0], [2, 2], [0, 0])
    measured = figures(samples, 2.0, until_s=2.0)
    assert (measured.rate_per_s, measured.requests, measured.max_ms) == (0.5, 2, 9000.0)
