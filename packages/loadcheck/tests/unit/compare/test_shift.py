"""Simulations, seeded: does the interval cover the truth as often as it says?"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from loadcheck.compare.shift import Resampling, Shift, Totals, Values
from loadcheck.model.samples import Floats

BLOCKS = 30
IN_BLOCK = 20
OWN = 0.07
"""By how much a side's blocks differ on their own: about as much as chance within a block adds."""
SHARES = (0.5, 0.95)
RUNS = 300


def paired(random: np.random.Generator, slower: float = 1.0, own: float = OWN) -> tuple[Values, Values]:
    """Two sides whose answers a busy machine makes slow together, and each a little alone."""
    mood = np.zeros(BLOCKS)
    for number in range(1, BLOCKS):
        mood[number] = 0.6 * mood[number - 1] + random.normal(0, 0.3)
    block = np.repeat(np.arange(BLOCKS), IN_BLOCK)

    def side(factor: float) -> Values:
        alone = random.normal(0, own, BLOCKS)
        noise = random.normal(0, 0.4, len(block))
        return Values(factor * np.exp((mood + alone)[block] + noise), block)

    return side(1.0), side(slower)


def mean_shifts(slower: float) -> list[Shift]:
    runs = ((seed, *paired(np.random.default_rng(seed), slower)) for seed in range(RUNS))
    return [Resampling(BLOCKS, seed=seed).means(base, head) for seed, base, head in runs]


def percentile_shifts(slower: float) -> list[list[Shift]]:
    """Return those of each percentile."""
    runs = ((seed, *paired(np.random.default_rng(seed), slower)) for seed in range(RUNS))
    found = [Resampling(BLOCKS, seed=seed).percentiles(base, head, SHARES) for seed, base, head in runs]
    return [list(shifts) for shifts in zip(*found, strict=True)]


def covered(found: Sequence[Shift], slower: float) -> float:
    """Return the share of 95 % intervals that hold the truth."""
    bounds = [shift.interval(0.95) for shift in found]
    return sum(each.low <= slower - 1 <= each.high for each in bounds) / RUNS


@pytest.mark.parametrize("slower", [1.0, 1.1])
def test_the_interval_of_a_mean_covers_the_truth_as_often_as_it_says(slower):
    assert 0.93 <= covered(mean_shifts(slower), slower) <= 0.99


@pytest.mark.parametrize("slower", [1.0, 1.1])
def test_intervals_and_bounds_of_percentiles_hold_the_truth_as_often_as_they_say(slower):
    half, tail = percentile_shifts(slower)
    assert 0.93 <= covered(half, slower) <= 0.99
    assert 0.93 <= covered(tail, slower) <= 0.99
    over = sum(shift.bound(0.05) < math.log(slower) for shift in tail)
    assert 0.01 <= over / RUNS <= 0.09


def test_taken_for_independent_the_same_requests_would_cover_it_far_less_often():
    held = 0
    for seed in range(RUNS):
        base, head = paired(np.random.default_rng(seed), own=3 * OWN)
        logs = np.log(head.values) - np.log(base.values)
        held += abs(logs.mean()) <= 1.96 * logs.std() / math.sqrt(len(logs))
    assert held / RUNS < 0.85


def test_a_rise_of_the_visible_size_is_seen_four_times_in_five():
    found = mean_shifts(1.0)
    typical = np.median([shift.visible(0.01) for shift in found])
    seen = sum(shift.p_more() <= 0.01 for shift in mean_shifts(1 + float(typical)))
    assert 0.7 <= seen / RUNS <= 0.9


def test_the_same_run_gives_the_same_figures():
    base, head = paired(np.random.default_rng(1))
    assert Resampling(BLOCKS).percentiles(base, head, SHARES) == Resampling(BLOCKS).percentiles(
        base, head, SHARES
    )


def test_percentiles_and_means_are_those_of_all_values():
    base, head = paired(np.random.default_rng(1), slower=1.2)
    half, tail = Resampling(BLOCKS).percentiles(base, head, SHARES)
    ratios = [np.quantile(head.values, share) / np.quantile(base.values, share) - 1 for share in SHARES]
    assert [half.change, tail.change] == pytest.approx(ratios)
    mean = Resampling(BLOCKS).means(base, head)
    assert mean.change == pytest.approx(head.values.mean() / base.values.mean() - 1)


def test_sums_are_shared_by_counts():
    base = Totals(np.full(BLOCKS, 10.0), np.full(BLOCKS, 100.0))
    head = Totals(np.full(BLOCKS, 12.0), np.full(BLOCKS, 100.0))
    found = Resampling(BLOCKS).ratios(base, head)
    assert found.change == pytest.approx(0.2)
    assert found.error == pytest.approx(0, abs=1e-12)


def test_blocks_in_which_a_side_has_nothing_bound_nothing_more_than_they_may():
    few: Floats = np.ones(2)
    side = Values(few, np.zeros(2, np.intp))
    found = Resampling(BLOCKS).means(side, side)
    assert found.interval() == (found.interval())
    assert math.isinf(found.error)
    assert found.p_more() == pytest.approx(0.5)


@pytest.mark.parametrize(("log_ratio", "more", "less"), [(0.1, 0.0, 1.0), (-0.1, 1.0, 0.0), (0.0, 1.0, 1.0)])
def test_without_any_noise_there_is_no_chance(log_ratio, more, less):
    shift = Shift(log_ratio=log_ratio, error=0.0, blocks=BLOCKS)
    assert (shift.p_more(), shift.p_less()) == (more, less)


def test_what_no_block_tells_is_added():
    shift = Shift(log_ratio=0.1, error=0.03, blocks=BLOCKS)
    wide = shift.widened(0.04)
    assert wide.error == pytest.approx(0.05)
    assert (wide.log_ratio, wide.blocks) == (0.1, BLOCKS)


def test_the_surer_the_wider():
    shift = Shift(log_ratio=0.0, error=0.01, blocks=BLOCKS)
    widths = [shift.interval(confidence).high for confidence in (0.8, 0.95, 0.999)]
    assert all(narrow < wide for narrow, wide in pairwise(widths))
