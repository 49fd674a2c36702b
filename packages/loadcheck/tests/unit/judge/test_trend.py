import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.random import Generator
from scipy.signal import lfilter
from scipy.special import ndtr, ndtri
from scipy.stats import kendalltau, theilslopes

from loadcheck.judge.drift import BLOCKS, fit_trend
from loadcheck.model.judgement import UNBOUNDED
from loadcheck.model.samples import Floats

SECONDS = np.arange(600.0)
RUNS = 400
LEAK_PER_S = 1 / 60  # 1 MB/min

Readings = Callable[[Generator], Floats]


def white(chance: Generator) -> Floats:
    """1 MB of noise, anew each second."""
    return chance.standard_normal(len(SECONDS))


def wandering(chance: Generator, resemblance: float = 0.9) -> Floats:
    """1 MB of noise that lasts: a first-order autoregression."""
    shocks = chance.standard_normal(len(SECONDS) + 600) * math.sqrt(1 - resemblance**2)
    return np.asarray(lfilter([1.0], [1.0, -resemblance], shocks)[600:])


def staircase(chance: Generator) -> Floats:
    """One step of 5 MB at any time: a cache that was filled, a pool that grew."""
    return np.where(chance.uniform(60, 540) < SECONDS, 5.0, 0.0) + 0.2 * wandering(chance)


def sawtooth(chance: Generator) -> Floats:
    """Garbage that piles up and is collected, every 40 to 400 s."""
    period_s = chance.uniform(40, 400)
    return (SECONDS + chance.uniform(0, 1000)) % period_s / 40 + 0.2 * white(chance)


def rises_found(readings: Readings) -> float:
    chance = np.random.default_rng(1)
    return sum(fit_trend(SECONDS, readings(chance)).is_rising for _ in range(RUNS)) / RUNS


@pytest.mark.parametrize(
    ("still", "most"),
    [  # of an interval of 95 %, 2.5 % lie above
        (white, 0.03),
        (wandering, 0.03),
        (lambda chance: wandering(chance, 0.98), 0.05),
        (lambda chance: wandering(chance, 0.995), 0.05),
        (staircase, 0.03),
        (sawtooth, 0.03),
        (lambda chance: 20 * (1 - np.exp(-SECONDS / 40)) + white(chance), 0.03),
        (lambda chance: 50 * (1 - np.exp(-SECONDS / 60)) + wandering(chance), 0.03),
        (lambda chance: 50 * (1 - np.exp(-SECONDS / 30)) + wandering(chance), 0.05),
    ],
    ids=["white", "wandering", "drunk", "drunker", "step", "sawtooth", "warm-up", "long warm-up", "short"],
)
def test_what_goes_nowhere_is_rarely_called_a_rise(still: Readings, most: float) -> None:
    assert rises_found(still) <= most


@pytest.mark.parametrize(
    ("leaking", "least"),
    [
        (lambda chance: LEAK_PER_S * SECONDS + white(chance), 0.99),
        (lambda chance: LEAK_PER_S * SECONDS + wandering(chance), 0.95),
        (lambda chance: LEAK_PER_S / 5 * SECONDS + white(chance), 0.95),
        (lambda chance: 2 * np.floor(SECONDS / 120 + chance.random()) + 0.2 * wandering(chance), 0.95),
    ],
    ids=["in white noise", "in wandering noise", "a fifth of it", "by steps of 2 MB"],
)
def test_a_leak_of_1_mb_a_minute_is_found_in_10_minutes(leaking: Readings, least: float) -> None:
    assert rises_found(leaking) >= least


@pytest.mark.parametrize("resemblance", [0.0, 0.9, 0.98])
def test_the_interval_holds_the_true_slope_as_often_as_it_says(resemblance: float) -> None:
    chance = np.random.default_rng(2)
    hits = 0
    for _ in range(RUNS):
        found = fit_trend(SECONDS, LEAK_PER_S * SECONDS + wandering(chance, resemblance)).interval
        hits += found.low <= LEAK_PER_S <= found.high
    assert 0.93 <= hits / RUNS <= 0.995


def test_a_straight_line_is_its_own_trend() -> None:
    found = fit_trend(SECONDS, 3 + 0.5 * SECONDS)
    assert found.slope_per_s == pytest.approx(0.5)
    assert found.growth(60) == pytest.approx(30)
    assert found.p_value < 1e-6


def test_a_constant_series_has_slope_0_for_certain() -> None:
    found = fit_trend(SECONDS, np.full(len(SECONDS), 0.1))
    assert (found.slope_per_s, found.p_value, found.is_rising) == (0.0, 1.0, False)


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_readings_tell_nothing(count: int) -> None:
    found = fit_trend(SECONDS[:count], SECONDS[:count])
    assert (found.slope_per_s, found.interval, found.p_value) == (0.0, UNBOUNDED, 1.0)


def test_the_slope_is_that_of_theil_and_sen() -> None:
    readings = white(np.random.default_rng(1))[:BLOCKS]
    expected = theilslopes(readings, SECONDS[:BLOCKS]).slope
    assert fit_trend(SECONDS[:BLOCKS], readings).slope_per_s == pytest.approx(expected)


def test_neighbours_that_do_not_resemble_each_other_make_it_the_test_of_kendall() -> None:
    readings = np.array([3.0, 1, 6, 3, 6, 4, 9, 6, 10, 8, 12, 6, 14, 11, 12, 9, 16, 12, 18, 15])
    score = np.sign(np.subtract.outer(readings, readings)[np.tril_indices(BLOCKS, k=-1)]).sum()
    uncorrected = kendalltau(SECONDS[:BLOCKS], readings, method="asymptotic").pvalue
    expected = 2 * ndtr(ndtri(uncorrected / 2) * (score - 1) / score)  # for continuity
    assert fit_trend(SECONDS[:BLOCKS], readings).p_value == pytest.approx(expected)


def test_a_fall_is_the_mirror_image_of_a_rise() -> None:
    readings = LEAK_PER_S * SECONDS + wandering(np.random.default_rng(1))
    rise, fall = fit_trend(SECONDS, readings), fit_trend(SECONDS, -readings)
    assert (rise.interval.low, rise.interval.high) == (-fall.interval.high, -fall.interval.low)
    assert (rise.slope_per_s, rise.p_value) == (-fall.slope_per_s, fall.p_value)
    assert rise.is_rising
    assert not fall.is_rising


def test_the_order_of_the_readings_does_not_matter() -> None:
    readings = wandering(np.random.default_rng(1))
    shuffled = np.random.default_rng(2).permutation(len(SECONDS))
    found, expected = fit_trend(SECONDS[shuffled], readings[shuffled]), fit_trend(SECONDS, readings)
    assert found.slope_per_s == pytest.approx(expected.slope_per_s)
    assert found.p_value == pytest.approx(expected.p_value)


@given(hnp.arrays(np.float64, st.integers(0, 60), elements=st.floats(-1e6, 1e6)), st.data())
def test_any_readings_give_an_interval_about_the_slope(readings: Floats, data: st.DataObject) -> None:
    at_s = data.draw(hnp.arrays(np.float64, len(readings), elements=st.floats(0, 1e4)))
    found = fit_trend(at_s, readings)
    assert found.interval.low <= found.slope_per_s <= found.interval.high
    assert 0 <= found.p_value <= 1
    if found.is_rising:
        assert found.p_value < 0.05
