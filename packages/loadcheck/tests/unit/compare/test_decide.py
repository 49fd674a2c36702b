"""Simulations, seeded: how often is a run called slower that is not, and how often is one missed that is?"""

import math

import numpy as np
import pytest

from loadcheck.compare.decide import ChangeVerdict, Rules, decide, holm, overall, smallest_visible
from loadcheck.compare.shift import Shift

RUNS = 300
FIGURES = 16
BLOCKS = 60
ENDLESS = -0.5
"""A margin below which nothing comes: the run goes on to its end, with all its looks."""
TIMES = range(30, 241, 15)


def shift(log_ratio: float, error: float = 0.005, blocks: int = BLOCKS) -> Shift:
    return Shift(log_ratio=log_ratio, error=error, blocks=blocks)


def verdict_of_a_run(random: np.random.Generator, log_ratio: float, rules: Rules) -> tuple[str, float]:
    """A run whose blocks of 1 s are drawn one by one; looked at, as runs are, until it is decided."""
    common = random.normal(0, 0.04, (int(TIMES[-1]), 1))
    blocks = log_ratio + common + random.normal(0, 0.04, (int(TIMES[-1]), FIGURES))
    verdict = "inconclusive"
    for at_s in TIMES:
        seen = blocks[: int(at_s)]
        errors = seen.std(axis=0, ddof=1) / math.sqrt(len(seen))
        shifts = [
            shift(mean, error, len(seen)) for mean, error in zip(seen.mean(axis=0), errors, strict=True)
        ]
        verdict = overall([("P50", verdict) for verdict in decide([("P50", each) for each in shifts], rules)])
        if verdict != "inconclusive":
            return verdict, at_s
    return verdict, TIMES[-1]


def share(verdict: str, log_ratio: float, rules: Rules) -> float:
    found = [verdict_of_a_run(np.random.default_rng(seed), log_ratio, rules)[0] for seed in range(RUNS)]
    return found.count(verdict) / RUNS


def test_looking_often_at_many_figures_cries_wolf_no_more_often_than_told():
    rules = Rules(alpha=0.1, looks=len(TIMES), margin=ENDLESS)
    assert share("slower", 0.0, rules) <= 0.1


def test_told_that_it_looks_but_once_it_would_cry_wolf_more_often():
    """What counting the looks is for: the same runs, judged as if each look were the only one."""
    rules = Rules(alpha=0.1, looks=1, margin=ENDLESS)
    assert share("slower", 0.0, rules) > 0.15


def test_five_percent_are_seen():
    assert share("slower", math.log(1.05), Rules(looks=len(TIMES))) >= 0.95


def test_no_change_is_soon_told():
    found = [
        verdict_of_a_run(np.random.default_rng(seed), 0.0, Rules(looks=len(TIMES))) for seed in range(RUNS)
    ]
    assert sum(verdict == "not slower" for verdict, _ in found) >= 0.95 * RUNS
    assert np.median([at_s for _, at_s in found]) <= 120


def test_a_rise_by_the_margin_passes_for_none_no_more_often_than_told():
    rules = Rules(looks=len(TIMES), alpha=1e-9)  # so that no run is called slower before
    assert share("not slower", math.log(1.05), rules) <= rules.beta


def test_holm_needs_ever_less():
    assert holm([0.004, 0.011, 0.016, 0.3], 0.05) == [True, True, True, False]
    assert holm([0.3, 0.02, 0.011], 0.05) == [False, True, True]
    assert holm([0.02, 0.02, 0.02], 0.05) == [False, False, False]
    assert holm([], 0.05) == []


def test_holm_rejects_one_of_the_true_ones_no_more_often_than_told():
    random = np.random.default_rng(1)
    draws = random.uniform(size=(4_000, FIGURES))
    draws[:, :4] /= 1e6  # four that are false, which makes room for the others
    wrong = sum(any(holm(list(row), 0.05)[4:]) for row in draws) / len(draws)
    assert 0.03 <= wrong <= 0.058


@pytest.mark.parametrize(
    ("log_ratio", "error", "verdict"),
    [
        (0.1, 0.005, "slower"),
        (-0.1, 0.005, "faster"),
        (0.0, 0.005, "not slower"),
        (0.04, 0.02, "inconclusive"),
        (0.0, 0.1, "inconclusive"),
        (0.0, math.inf, "inconclusive"),
    ],
)
def test_each_verdict(log_ratio, error, verdict):
    assert decide([("P50", shift(log_ratio, error))], Rules()) == [verdict]


def test_the_worst_is_the_verdict_of_all():
    def of(*verdicts: ChangeVerdict) -> ChangeVerdict:
        return overall([("P50", verdict) for verdict in verdicts])

    assert of("faster", "slower", "not slower") == "slower"
    assert of("faster", "inconclusive") == "inconclusive"
    assert of("faster", "not slower") == "faster"
    assert of("not slower") == "not slower"
    assert of() == "inconclusive"


def test_nobody_waits_for_the_slowest_in_a_hundred_unless_they_are_slower():
    assert overall([("P50", "not slower"), ("P99", "inconclusive")]) == "not slower"
    assert overall([("P50", "not slower"), ("P99", "slower")]) == "slower"
    assert overall([("P99", "not slower")]) == "inconclusive"


@pytest.mark.parametrize(("metric", "margin"), [("P50", 0.05), ("P95", 0.1), ("P99", 0.2), ("CPU", 0.05)])
def test_the_further_out_the_wider_the_margin(metric, margin):
    assert Rules().margin_of(metric) == pytest.approx(margin)
    at_margin = Shift(log_ratio=math.log1p(margin) - 0.01, error=0.005, blocks=BLOCKS)
    assert decide([(metric, at_margin)], Rules(alpha=0.0)) == ["not slower"]
    assert decide([(metric, at_margin)], Rules(alpha=0.0, beta=0.01)) == ["inconclusive"]


def test_the_more_figures_the_larger_what_can_be_seen():
    few, many = (smallest_visible(shift(0.0), Rules(), count) for count in (1, 16))
    assert 0.01 < few < many


def test_one_odd_round_proves_nothing_and_keeps_nobody_waiting():
    """Rounds that differ count against "slower", not against "not slower"."""
    steady = Shift(log_ratio=0.02, error=0.003, blocks=60)
    odd = Shift(log_ratio=0.02, error=0.1, blocks=4, steady=steady)
    assert decide([("P50", steady)], Rules()) == ["slower"]
    assert decide([("P50", odd)], Rules()) == ["not slower"]
