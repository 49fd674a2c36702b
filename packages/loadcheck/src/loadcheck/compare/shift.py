"""How far a figure has shifted from base to head, and how sure that is: pairs in blocks of time, resampled.

Requests are not independent: a busy moment makes neighbours slow together, on both sides, since both are
asked back to back. So what is resampled are blocks of time with all that both sides answered in them (Kunsch,
"The Jackknife and the Bootstrap for General Stationary Observations", The Annals of Statistics 17 (1989);
Davison & Hinkley, "Bootstrap Methods and their Application", 8.2.3). Changes are ratios, so all is reckoned
in logarithms.
"""

import math

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from scipy import special

from loadcheck.model.judgement import UNBOUNDED, Interval
from loadcheck.model.samples import Floats

Blocks = NDArray[np.intp]

RESAMPLES = 200
"""Enough for a standard error: Efron & Tibshirani, "An Introduction to the Bootstrap", 6.4."""
CHUNK = 20
"""So many resamples are reckoned at once: more would take more memory, not less time."""


class Shift(Struct, frozen=True, kw_only=True):
    """A ratio of head to base as its natural logarithm, with its standard error from so many blocks.

    `steady` is the same where rounds differ by no more than is known, if in this run they do.
    """

    log_ratio: float
    error: float
    blocks: int
    steady: "Shift | None" = None

    @property
    def change(self) -> float:
        """The change as a share: 0.05 is 5 % more than base."""
        return _share(self.log_ratio)

    def widened(self, spread: float, freedom: float = math.inf) -> "Shift":
        """Add a standard error of which no block tells, with its degrees of freedom where it was estimated.

        Those of the sum are Satterthwaite's ("An Approximate Distribution of Estimates of Variance
        Components", Biometrics Bulletin 2 (1946)), but no more than the blocks give.
        """
        error = math.hypot(self.error, spread)
        if not 0 < error < math.inf:
            return replace(self, error=error)
        parts = (self.error / error) ** 4 / max(self.blocks - 1, 1) + (spread / error) ** 4 / freedom
        return replace(self, error=error, blocks=max(min(self.blocks, math.floor(1 / parts) + 1), 2))

    def bound(self, tail: float) -> float:
        """Return the logarithm above which the true ratio lies with a chance of no more than `tail`."""
        return self.log_ratio + self._t(1 - tail) * self.error

    def interval(self, confidence: float = 0.95) -> Interval:
        """Bound the change, as a share, on both sides."""
        if not math.isfinite(self.error):
            return UNBOUNDED
        half = self._t((1 + confidence) / 2) * self.error
        return Interval(_share(self.log_ratio - half), _share(self.log_ratio + half))

    def p_more(self, than: float = 0.0) -> float:
        """Return how often chance alone shows such a rise where the true ratio's logarithm is `than`."""
        return self._p(self.log_ratio - than)

    def p_less(self, than: float = 0.0) -> float:
        """Return how often chance alone shows such a fall where the true ratio's logarithm is `than`."""
        return self._p(than - self.log_ratio)

    def visible(self, tail: float, power: float = 0.8) -> float:
        """Return the smallest rise, as a share, that is seen with a chance of `power` by a test at `tail`."""
        return _share((self._t(1 - tail) + self._t(power)) * self.error)

    def _p(self, distance: float) -> float:
        if self.error == 0:
            return 1.0 if distance <= 0 else 0.0
        return float(special.stdtr(self.blocks - 1, -distance / self.error))

    def _t(self, share: float) -> float:
        return float(special.stdtrit(self.blocks - 1, share))


def _share(log_ratio: float) -> float:
    """Return by what share a ratio differs from 1; infinite where it is beyond what a float can hold."""
    return float(special.expm1(log_ratio))


class Values(Struct, frozen=True):
    """One side's values and the block, counted from 0, in which each was taken."""

    values: Floats
    block: Blocks


class Totals(Struct, frozen=True):
    """One side's sums and counts, one a block."""

    sums: Floats
    counts: Floats

    @property
    def ratio(self) -> float:
        """The sum of all blocks for each that was counted."""
        return float(self.sums.sum() / self.counts.sum())


class Resampling:
    """Blocks drawn anew, the same for all that is asked of a run; seeded: a run has one verdict."""

    def __init__(self, blocks: int, seed: int = 1) -> None:
        self.blocks = blocks
        drawn = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), size=RESAMPLES)
        self._weights = drawn.astype(np.int32)  # half the memory to walk through

    def percentiles(self, base: Values, head: Values, shares: tuple[float, ...]) -> list[Shift]:
        """Return the shift of each percentile (0 to 1)."""
        estimates = np.log(np.quantile(head.values, shares)) - np.log(np.quantile(base.values, shares))
        drawn = np.log(self._quantiles(head, shares)) - np.log(self._quantiles(base, shares))
        return [self._shift(estimate, column) for estimate, column in zip(estimates, drawn.T, strict=True)]

    def means(self, base: Values, head: Values) -> Shift:
        """Return the shift of the mean."""
        return self.ratios(self._totals(base), self._totals(head))

    def ratios(self, base: Totals, head: Totals) -> Shift:
        """Return the shift of a sum over what it is shared by, such as CPU time over requests."""
        drawn = np.log(self._ratios(head)) - np.log(self._ratios(base))
        return self._shift(math.log(head.ratio / base.ratio), drawn)

    def _quantiles(self, side: Values, shares: tuple[float, ...]) -> Floats:
        """Return each resample's quantiles, a row each: the first value below which the share lies."""
        order = np.argsort(side.values)
        values, block = side.values[order], side.block[order]
        wanted = np.array(shares)
        rows: list[Floats] = []
        for begin in range(0, RESAMPLES, CHUNK):
            drawn = self._weights[begin : begin + CHUNK].take(block, axis=1)
            below = drawn.cumsum(axis=1, dtype=np.int32)
            rows.extend(values[row.searchsorted(wanted * row[-1])] for row in below)
        return np.array(rows)

    def _totals(self, side: Values) -> Totals:
        sums = np.bincount(side.block, side.values, self.blocks).astype(np.float64)
        return Totals(sums, np.bincount(side.block, minlength=self.blocks).astype(np.float64))

    def _ratios(self, side: Totals) -> Floats:
        with np.errstate(invalid="ignore"):
            found: Floats = (self._weights @ side.sums) / (self._weights @ side.counts)
        return found

    def _shift(self, log_ratio: float, drawn: Floats) -> Shift:
        """Resamples differ a little less than runs do: K blocks know but K - 1 differences."""
        error = float(drawn.std(ddof=1)) * math.sqrt(self.blocks / (self.blocks - 1))
        return Shift(
            log_ratio=float(log_ratio), error=error if math.isfinite(error) else math.inf, blocks=self.blocks
        )
