import math
import statistics
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.random import Generator
from scipy.signal import lfilter
from scipy.stats import beta, binom, sem, t

from loadcheck.judge.intervals import (
    mean_interval,
    percentile,
    percentile_interval,
    rate_interval,
    ratio_interval,
    samples_needed,
)
from loadcheck.model.judgement import UNBOUNDED, Interval
from loadcheck.model.samples import Flags, Floats

RUN_S = 60.0
RUNS = 1_000
SAMPLES = 2_000
MOMENTS = np.linspace(0, RUN_S, SAMPLES)
P95_OF_NOISE = 1.6448536  # of the standard normal distribution
NOTHING = np.array([])

Times = Callable[[Generator], Floats]

numbers = hnp.arrays(np.float64, st.integers(1, 300), elements=st.floats(0, 1e6))


def independent(chance: Generator) -> Floats:
    """Response times that know nothing of each other: lognormal, as they often are."""
    return np.exp(chance.standard_normal(SAMPLES))


def neighbourly(chance: Generator) -> Floats:
    """Each nine tenths like the one before: a first-order autoregression, lognormal as well."""
    shocks = chance.standard_normal(SAMPLES + 200) * math.sqrt(1 - 0.9**2)
    return np.exp(lfilter([1.0], [1.0, -0.9], shocks)[200:])


def bursting(chance: Generator) -> Floats:
    """Twelve bursts a run or so, a second long each, in which requests take three times as long."""
    starts = chance.uniform(-1, RUN_S, chance.poisson(12 * (RUN_S + 1) / RUN_S))
    is_slow = (abs(MOMENTS[:, None] - starts - 0.5) < 0.5).any(axis=1)
    return independent(chance) * np.where(is_slow, 3, 1)


def runs(times: Times) -> Iterator[Floats]:
    chance = np.random.default_rng(1)
    return (times(chance) for _ in range(RUNS))


def covers(interval: Interval, truth: float) -> bool:
    return bool(interval.low <= truth <= interval.high)


def covered(times: Times, share: float, truth: float) -> float:
    """Return how often the percentile's interval holds the truth.

    It does where the share over the truth may be what it is: see the test that compares the two.
    """
    found = (ratio_interval(run > truth, MOMENTS) for run in runs(times))
    return statistics.mean(each.low <= 1 - share < each.high for each in found)


def covered_naively(times: Times, share: float, truth: float) -> float:
    """Return how often the textbook interval for independent values does."""
    low, high = (int(binom.ppf(tail, SAMPLES, share)) for tail in (0.025, 0.975))
    ordered = (np.partition(run, (low, high)) for run in runs(times))
    return statistics.mean(bool(each[low] <= truth <= each[high]) for each in ordered)


@pytest.mark.parametrize("times", [independent, neighbourly, bursting])
def test_a_percentile_s_interval_holds_what_the_share_over_it_allows(times: Times) -> None:
    for run in islice(runs(times), 20):
        found = percentile_interval(run, MOMENTS, 0.95)
        for limit in (found.low, found.high, *np.quantile(run, [0.9, 0.93, 0.95, 0.97, 0.99])):
            for beside in (np.nextafter(limit, 0), limit, np.nextafter(limit, math.inf)):
                over = ratio_interval(run > beside, MOMENTS)
                assert covers(found, beside) == (over.low <= 1 - 0.95 < over.high or beside == found.high)


@pytest.mark.parametrize(("share", "truth"), [(0.5, 1.0), (0.95, math.exp(P95_OF_NOISE))])
def test_independent_samples_give_intervals_that_are_right_as_often_as_they_say(
    share: float, truth: float
) -> None:
    assert 0.93 <= covered(independent, share, truth) <= 0.99


def test_samples_that_resemble_their_neighbours_give_wider_intervals_that_are_right() -> None:
    truth = math.exp(P95_OF_NOISE)
    assert covered_naively(neighbourly, 0.95, truth) < 0.6
    assert 0.90 <= covered(neighbourly, 0.95, truth) <= 0.99


def test_bursts_give_wider_intervals_that_are_right() -> None:
    truth = statistics.mean(float(np.quantile(run, 0.95)) for run in runs(bursting))
    assert covered_naively(bursting, 0.95, truth) < 0.8
    assert 0.90 <= covered(bursting, 0.95, truth) <= 0.99


@pytest.mark.parametrize(("times", "least"), [(independent, 0.93), (neighbourly, 0.90)])
def test_the_interval_of_a_mean_is_right(times: Times, least: float) -> None:
    hits = [covers(mean_interval(run, MOMENTS), math.exp(0.5)) for run in runs(times)]
    assert least <= statistics.mean(hits) <= 0.99


@pytest.mark.parametrize(("times", "least"), [(independent, 0.93), (neighbourly, 0.90)])
def test_the_interval_of_a_ratio_is_right(times: Times, least: float) -> None:
    hits = [covers(ratio_interval(run < math.exp(P95_OF_NOISE), MOMENTS), 0.95) for run in runs(times)]
    assert least <= statistics.mean(hits) <= 0.99


def test_the_interval_of_a_rate_is_right() -> None:
    chance = np.random.default_rng(1)
    arrivals = (np.cumsum(chance.exponential(0.5, 300)) for _ in range(RUNS))  # about 150 s of them
    hits = [covers(rate_interval(ended_at_s, 0, RUN_S), 2.0) for ended_at_s in arrivals]
    assert 0.93 <= statistics.mean(hits) <= 0.97


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_a_percentile_is_bounded_from_above_by_enough_independent_samples_only(share: float) -> None:
    def high(count: int) -> float:  # neighbours in value lie far apart in time
        values = np.arange(float(count))
        return percentile_interval(values, values * 0.618 % 1, share).high

    needed = samples_needed(share)
    assert (high(needed - 1), high(needed)) == (math.inf, needed - 1.0)


@pytest.mark.parametrize(("share", "needed"), [(0.50, 6), (0.95, 72), (0.99, 368)])
def test_percentiles_need_samples_by_wilks(share: float, needed: int) -> None:
    assert samples_needed(share) == needed
    assert 1 - share**needed >= 0.975 > 1 - share ** (needed - 1)


@given(numbers, st.integers(1, 99))
def test_percentiles_agree_with_the_standard_library(values: Floats, percent: int) -> None:
    twice = np.append(values, values[0])  # which wants two values at least
    expected = statistics.quantiles(twice.tolist(), n=100, method="inclusive")[percent - 1]
    assert percentile(twice, percent / 100) == pytest.approx(expected)


@given(numbers, st.data(), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_an_interval_contains_the_estimate(values: Floats, data: st.DataObject, share: float) -> None:
    at_s = data.draw(hnp.arrays(np.float64, len(values), elements=st.floats(0, 100)))
    hits: Flags = values > values.mean()
    assert covers(percentile_interval(values, at_s, share), float(np.quantile(values, share)))
    assert covers(mean_interval(values, at_s), float(values.mean()))
    assert covers(ratio_interval(hits, at_s), float(hits.mean()))
    assert covers(rate_interval(at_s, 0, 100), len(at_s) / 100)


@given(numbers, st.floats(0.5, 0.99), st.floats(0.5, 0.99))
def test_more_confidence_is_never_a_narrower_interval(values: Floats, one: float, other: float) -> None:
    at_s = np.arange(len(values), dtype=np.float64)
    less, more = sorted((one, other))
    for found in (
        lambda confidence: percentile_interval(values, at_s, 0.9, confidence),
        lambda confidence: mean_interval(values, at_s, confidence),
        lambda confidence: ratio_interval(values > 1, at_s, confidence),
        lambda confidence: rate_interval(at_s, 0, 300, confidence),
    ):
        assert found(more).low <= found(less).low
        assert found(more).high >= found(less).high


def test_four_times_the_samples_give_about_half_the_width() -> None:
    def width(values: Floats) -> float:
        found = percentile_interval(values, np.linspace(0, RUN_S, len(values)), 0.95)
        return found.high - found.low

    few, many = (
        statistics.mean(width(run[:count]) for run in islice(runs(independent), 100))
        for count in (SAMPLES // 4, SAMPLES)
    )
    assert 0.4 < many / few < 0.6


@pytest.mark.parametrize(
    ("slow_until_s", "share", "expected"),
    [(6.0, 0.95, Interval(0.1, 10.0)), (24.0, 0.50, Interval(0.1, 10.0))],
    ids=["many equal to the greatest", "many equal to the least"],
)
def test_equal_times_in_one_stretch_are_not_taken_for_independent(
    slow_until_s: float, share: float, expected: Interval
) -> None:
    times = np.where(slow_until_s > MOMENTS, 10.0, 0.1)  # time-outs
    assert percentile_interval(times, MOMENTS, share) == expected


def test_slices_that_each_are_of_one_kind_count_as_one_sample_each() -> None:
    found = ratio_interval(MOMENTS % 6 < 3, MOMENTS)  # ten slices of hits, ten of misses
    worth = 19 * (t.ppf(0.975, SAMPLES - 1) / t.ppf(0.975, 19)) ** 2 / 2
    assert found.low == pytest.approx(beta.ppf(0.025, worth, worth + 1), rel=0.01)
    assert found.high == pytest.approx(beta.ppf(0.975, worth + 1, worth), rel=0.01)


def test_one_value_a_slice_gives_the_interval_of_student() -> None:
    values = independent(np.random.default_rng(1))[:20]
    found = mean_interval(values, np.arange(20.0))
    expected = t.interval(0.95, 19, values.mean(), sem(values))
    assert (found.low, found.high) == pytest.approx(expected)


def test_no_rate_is_less_than_none() -> None:
    assert rate_interval(np.array([0.5]), 0, 20).low == 0.0


def test_an_estimate_between_two_values_lies_in_its_interval() -> None:
    assert percentile_interval(np.arange(2.0), np.arange(2.0), 0.99) == Interval(0.99, math.inf)


def test_it_does_not_matter_when_the_clock_started() -> None:
    times = neighbourly(np.random.default_rng(1))
    found, expected = (percentile_interval(times, MOMENTS + start_s, 0.95) for start_s in (1024, 0))
    assert found == expected


def test_the_order_of_the_samples_does_not_matter() -> None:
    times = neighbourly(np.random.default_rng(1))
    shuffled = np.random.default_rng(2).permutation(SAMPLES)
    found = percentile_interval(times[shuffled], MOMENTS[shuffled], 0.95)
    assert found == percentile_interval(times, MOMENTS, 0.95)


def test_nothing_bounds_nothing() -> None:
    assert percentile(NOTHING, 0.95) is None
    assert percentile_interval(NOTHING, NOTHING, 0.95) == UNBOUNDED
    assert mean_interval(NOTHING, NOTHING) == UNBOUNDED
    assert rate_interval(NOTHING, 0, 1) == UNBOUNDED
    assert ratio_interval(NOTHING > 0, NOTHING) == UNBOUNDED


def test_one_moment_tells_next_to_nothing() -> None:
    at_s, values = np.zeros(1_000), np.arange(1_000.0)
    assert percentile_interval(values, at_s, 0.5) == UNBOUNDED
    assert mean_interval(values, at_s) == UNBOUNDED
    assert rate_interval(at_s, 0, 0) == UNBOUNDED
    assert ratio_interval(values >= 0, at_s).low == pytest.approx(0.025)


def test_no_failure_among_many_is_no_proof_of_none() -> None:
    found = ratio_interval(MOMENTS < 0, MOMENTS)
    assert found.low == 0.0
    assert found.high == pytest.approx(1 - 0.025 ** (1 / SAMPLES))  # Clopper & Pearson
