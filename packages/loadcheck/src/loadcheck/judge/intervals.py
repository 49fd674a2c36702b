"""How far the figures of a load test can be trusted: each figure's confidence interval.

Requests are not independent: a busy moment makes neighbours slow together, and a thousand of them tell less
than a thousand independent ones would. So every interval is measured on slices of equal time.
"""

import math
from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray
from scipy import special

from loadcheck.model.judgement import UNBOUNDED, Interval
from loadcheck.model.samples import Flags, Floats

Slices = NDArray[np.intp]

SLICES = 20
"""Fewer, longer slices see longer bursts; with 10 to 30 the intervals are hardly wider than with many.

Schmeiser, "Batch Size Effects in the Analysis of Simulation Output", Operations Research 30 (1982).
"""


def percentile(values: Floats, share: float) -> float | None:
    """Return the quantile at `share` (0 to 1) of values in any order; None when there are no values.

    Definition 7 of Hyndman & Fan, "Sample Quantiles in Statistical Packages", The American Statistician
    50 (1996): linear between the two nearest ranks of (n - 1) * share.
    """
    return float(np.quantile(values, share)) if len(values) else None


def percentile_interval(values: Floats, at_s: Floats, share: float, confidence: float = 0.95) -> Interval:
    """Bound the quantile at `share` by two of the values, which were taken at `at_s` seconds in any order.

    Between them lie all limits of which the samples cannot tell whether more than `1 - share` of what is
    measured is over them: so the interval of a percentile never contradicts that of the share over a limit
    (test inversion: Francisco & Fuller, "Quantile Estimation with a Complex Survey Design", The Annals of
    Statistics 19 (1991)). For independent values it is the binomial interval of order statistics.
    """
    estimate = percentile(values, share)
    if estimate is None:
        return UNBOUNDED
    ordered, slices = np.unique(values), _slices(at_s)

    def over(limit: float) -> Interval:
        return _share_interval(values > limit, slices, confidence)

    may = 1 - share
    low = bisect_left(ordered, True, key=lambda limit: over(limit).low <= may)  # noqa: FBT003 - the first that is true
    high = bisect_left(ordered, True, key=lambda limit: over(limit).high <= may)  # noqa: FBT003 - likewise
    has_low = low > 0 or over(-math.inf).low > may
    return Interval(
        min(float(ordered[low]), estimate) if has_low else -math.inf,
        max(float(ordered[high]), estimate) if high < len(ordered) else math.inf,
    )


def mean_interval(values: Floats, at_s: Floats, confidence: float = 0.95) -> Interval:
    """Bound the mean of values that were taken at `at_s` seconds, by the means of slices.

    Batch means of Law & Kelton, "Simulation Modeling and Analysis", 9.5.3, with slices that need not hold
    equally many values (ratio estimator: Cochran, "Sampling Techniques", 3rd edition, 6.3).
    """
    variance, used = _variance_of_mean(values, _slices(at_s))
    if used < 2:  # noqa: PLR2004 - one slice has nothing to differ from
        return UNBOUNDED
    return _around(float(values.mean()), math.sqrt(variance), used, confidence)


def rate_interval(ended_at_s: Floats, start_s: float, end_s: float, confidence: float = 0.95) -> Interval:
    """Bound the rate per second of what ended from `start_s` to `end_s`, by the rates of slices."""
    counts, _ = np.histogram(ended_at_s, bins=SLICES, range=(start_s, max(start_s, end_s)))
    if end_s <= start_s or not counts.any():
        return UNBOUNDED
    rate = float(counts.sum()) / (end_s - start_s)
    error = rate * float(counts.std(ddof=1) / counts.mean()) / math.sqrt(SLICES)
    found = _around(rate, error, SLICES, confidence)
    return Interval(max(found.low, 0.0), found.high)


def ratio_interval(hits: Flags, at_s: Floats, confidence: float = 0.95) -> Interval:
    """Bound the share of hits among what was taken at `at_s` seconds.

    Clopper & Pearson's interval for as many independent ones as these are worth (Korn & Graubard, "Confidence
    Intervals for Proportions with Small Expected Number of Positive Counts Estimated from Survey Data",
    Survey Methodology 24 (1998)).
    """
    return _share_interval(hits, _slices(at_s), confidence) if len(hits) else UNBOUNDED


def samples_needed(share: float, confidence: float = 0.95) -> int:
    """Return how many independent samples bound a percentile from above: 6 for P50, 72 for P95, 368 for P99.

    With fewer, not even the slowest does: 1 - share**n >= 1 - (1 - confidence) / 2 (Wilks, "Determination of
    Sample Sizes for Setting Tolerance Limits", Annals of Mathematical Statistics 12 (1941)).
    """
    return math.ceil(math.log((1 - confidence) / 2) / math.log(share))


def _share_interval(hits: Flags, slices: Slices, confidence: float) -> Interval:
    worth = _effective_count(hits, slices, confidence)
    tail = (1 - confidence) / 2
    hit = float(hits.mean()) * worth
    missed = float((~hits).mean()) * worth
    return Interval(
        float(special.betaincinv(hit, missed + 1, tail)) if hit else 0.0,
        float(special.betaincinv(hit + 1, missed, 1 - tail)) if missed else 1.0,
    )


def _effective_count(hits: Flags, slices: Slices, confidence: float) -> float:
    """Return how many independent samples tell as much of the share of hits, at most as many as there are.

    Kish's design effect, and Korn & Graubard's correction for having estimated it from few slices.
    """
    count, share = len(hits), float(hits.mean())
    variance, used = _variance_of_mean(hits, slices)
    if used < 2:  # noqa: PLR2004 - all at one moment: they may all have had one cause
        return 1.0
    if share in {0.0, 1.0}:
        return float(count)
    design_effect = variance / (share * (1 - share) / (count - 1))
    correction = (_student_t(used, confidence) / _student_t(count, confidence)) ** 2
    return max(count / max(design_effect * correction, 1.0), 1.0)


def _slices(at_s: Floats) -> Slices:
    """Say in which slice of the time from the first to the last each moment lies."""
    if not len(at_s):
        return np.empty(0, np.intp)
    width_s = np.ptp(at_s) / SLICES or 1.0
    found: Slices = np.minimum((at_s - at_s.min()) / width_s, SLICES - 1).astype(np.intp)
    return found


def _variance_of_mean(values: Floats | Flags, slices: Slices) -> tuple[float, int]:
    """Return the variance of the mean, from how much slices differ, and how many slices hold values."""
    if not len(values):
        return 0.0, 0
    sums, counts = np.bincount(slices, weights=values), np.bincount(slices)
    deviations = sums - counts * values.mean(dtype=np.float64)
    used = int(np.count_nonzero(counts))
    return float(np.square(deviations).sum()) / len(values) ** 2 * used / max(used - 1, 1), used


def _around(estimate: float, standard_error: float, slices: int, confidence: float) -> Interval:
    half = _student_t(slices, confidence) * standard_error
    return Interval(estimate - half, estimate + half)


def _student_t(count: int, confidence: float) -> float:
    """Return the two-sided quantile of Student's t when `count` values gave the standard error."""
    return float(special.stdtrit(count - 1, (1 + confidence) / 2))
