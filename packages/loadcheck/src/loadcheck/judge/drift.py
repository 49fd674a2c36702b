"""Does a run end as it began? What memory and latency have grown by, as claims of a soak."""

import math
from itertools import pairwise

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy import special

from loadcheck.judge.intervals import percentile
from loadcheck.model.judgement import UNBOUNDED, Check, Interval
from loadcheck.model.objectives import Limit, Verdict
from loadcheck.model.samples import Floats
from loadcheck.run.generator import Run

BLOCKS = 20
"""Means of so many equal stretches of time are compared: noise averages out, and what lasts remains."""

FEWEST_BLOCKS = 5
"""With fewer than five, how much neighbours resemble each other cannot be estimated at all."""


class Trend(Struct, frozen=True, kw_only=True):
    """A straight line's slope, in the readings' unit per second.

    `p_value` is how often readings that go nowhere would rise or fall as consistently.
    """

    slope_per_s: float
    interval: Interval
    p_value: float

    @property
    def is_rising(self) -> bool:
        """Is even the lower bound of the slope a rise?"""
        return self.interval.low > 0

    def growth(self, duration_s: float) -> float:
        """Return what the slope adds up to in so many seconds, in the readings' unit."""
        return self.slope_per_s * duration_s


UNKNOWN = Trend(slope_per_s=0.0, interval=UNBOUNDED, p_value=1.0)


def fit_trend(at_s: Floats, values: Floats, confidence: float = 0.95) -> Trend:
    """Look for a drift in readings that were taken at `at_s` seconds, in any order.

    The slope is the median of all slopes between two blocks (Sen, "Estimates of the Regression Coefficient
    Based on Kendall's Tau", Journal of the American Statistical Association 63 (1968)), which few outliers do
    not move; its interval and p-value are those of Kendall's tau, which asks only whether later is higher.

    Neighbouring readings resemble each other, above all in staircases such as memory: the variance of tau is
    that of as many independent blocks as these are worth (Yue & Wang, "The Mann-Kendall Test Modified by
    Effective Sample Size", Water Resources Management 18 (2004)). That also tells a server that warms up, or
    takes one step, and then holds still from one that keeps rising.
    """
    times, means = _blocks(at_s, values)
    if len(means) < FEWEST_BLOCKS:
        return UNKNOWN
    slopes = _slopes(times, means)
    slope = float(np.median(slopes))
    spread = math.sqrt(_variance_of_score(means) * _variance_inflation(means - slope * times))
    return Trend(
        slope_per_s=slope,
        interval=_interval(slopes, spread, confidence),
        p_value=_p_value(int(np.sign(slopes).sum()), spread),
    )


def _blocks(at_s: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return the mean time and the mean reading of each block that has readings."""
    if not len(at_s):
        return at_s, values
    width_s = np.ptp(at_s) / BLOCKS or 1.0
    blocks = np.minimum((at_s - at_s.min()) / width_s, BLOCKS - 1).astype(np.intp)
    counts = np.bincount(blocks)
    has_any = counts > 0
    return (
        np.bincount(blocks, weights=at_s)[has_any] / counts[has_any],
        np.bincount(blocks, weights=values)[has_any] / counts[has_any],
    )


def _slopes(times: Floats, means: Floats) -> Floats:
    """Return the slopes between every two blocks, sorted."""
    earlier, later = np.triu_indices(len(times), k=1)
    slopes: NDArray[np.float64] = (means[later] - means[earlier]) / (times[later] - times[earlier])
    return np.sort(slopes)


def _variance_of_score(means: Floats) -> float:
    """Return the variance of Kendall's score (rises less falls) of independent blocks, ties considered.

    Kendall, "Rank Correlation Methods", 4th edition, chapter 4.
    """
    _, ties = np.unique(means, return_counts=True)
    count = len(means)
    return float(count * (count - 1) * (2 * count + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18


def _variance_inflation(residuals: Floats) -> float:
    """Return how many of these neighbours are worth one independent value, at least 1.

    (1 + r) / (1 - r) for a first-order autoregression. What is left of short series once their line is taken
    away resembles its neighbours less than it should, by (2 + 4 r) / n (van Giersbergen, "On the Effect of
    Deterministic Terms on the Bias in Stable AR Models", Economics Letters 89 (2005)): that is put back.
    """
    ranks = _ranks(residuals)
    power, count = float(np.square(ranks).sum()), len(ranks)
    if not power:
        return 1.0
    measured = float((ranks[1:] * ranks[:-1]).sum()) / power
    alike = min(max((count * measured + 2) / (count - 4), 0.0), 0.99)
    return (1 + alike) / (1 - alike)


def _ranks(values: Floats) -> Floats:
    """Return each value's rank about the middle one, so that no outlier counts for more than its place."""
    ordered = np.sort(values)
    middle = np.searchsorted(ordered, values) + np.searchsorted(ordered, values, side="right")
    return (middle - len(values)) / 2


def _interval(slopes: Floats, spread: float, confidence: float) -> Interval:
    """Return the slopes between which the true one lies; they exclude 0 when the p-value is small enough."""
    reach = float(special.ndtri((1 + confidence) / 2)) * spread
    rank = math.ceil((len(slopes) - reach - 1) / 2) - 1
    return Interval(float(slopes[rank]), float(slopes[-1 - rank])) if rank >= 0 else UNBOUNDED


def _p_value(score: int, spread: float) -> float:
    """Return how probable a score so far from 0 is, by the normal distribution corrected for continuity."""
    distance = max(abs(score) - 1, 0) / spread if spread else 0.0
    return float(2 * special.ndtr(-distance))


SLICES = 100


def memory_drift(run: Run, *, at_most_mb: float) -> Check:
    """Hold the growth of the tested server's memory over the judged stretch against a limit."""
    window = run.facts.judged
    moments = [moment for moment in run.servers[run.under_test] if moment.at_s >= window.start_s]
    at_s = np.array([moment.at_s for moment in moments])
    memory_mb = np.array([moment.memory_bytes / 1e6 for moment in moments])
    return _drift("memory_drift_mb", at_s, memory_mb, window.duration_s, at_most_mb)


def latency_drift(run: Run, *, at_most_ms: float) -> Check:
    """Hold the growth of the successes' median latency over the judged stretch against a limit."""
    window, good = run.facts.judged, run.judged.succeeded()
    edges = np.linspace(window.start_s, window.end_s, SLICES + 1)
    parts = [good.latency_ms[(good.done_s >= start) & (good.done_s < end)] for start, end in pairwise(edges)]
    known = [(at_s, percentile(part, 0.5)) for at_s, part in zip(edges, parts, strict=False) if len(part)]
    at_s = np.array([at for at, _ in known])
    medians_ms = np.array([value for _, value in known], np.float64)
    return _drift("latency_drift_ms", at_s, medians_ms, window.duration_s, at_most_ms)


def _drift(name: str, at_s: Floats, values: Floats, duration_s: float, at_most: float) -> Check:
    """Judge a trend; where it has no bound, the readings' range is one: more it cannot have been."""
    found = fit_trend(at_s, values)
    most = float(np.ptp(values)) if len(values) else math.inf
    low, high = found.interval.low * duration_s, found.interval.high * duration_s
    interval = Interval(
        max(low, -most) if math.isinf(low) else low, min(high, most) if math.isinf(high) else high
    )
    return Check(
        limit=Limit(name, "≤", float(at_most)),
        figure=found.growth(duration_s),
        interval=interval,
        verdict=_verdict(interval, at_most),
        reason="" if interval.low > at_most or interval.high <= at_most else "a longer run tells more",
    )


def _verdict(interval: Interval, at_most: float) -> Verdict:
    if interval.low > at_most:
        return "missed"
    return "met" if interval.high <= at_most else "inconclusive"
