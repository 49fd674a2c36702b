"""What the rounds so far say: every endpoint's percentiles and CPU time, base against head.

In a round fresh processes of all sides are asked the same. Two processes of one and the same program differ
for as long as they live, by how their memory came to lie (Mytkowicz et al., "Producing Wrong Data Without
Doing Anything Obviously Wrong!", ASPLOS 2009): no number of requests to them tells that from a change, but
fresh ones do (Curtsinger & Berger, "Stabilizer", ASPLOS 2013).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from loadcheck.compare.shift import Blocks, Resampling, Shift, Totals, Values
from loadcheck.intervals import Floats
from loadcheck.samples import NO_ENDPOINT, Samples, joined

SHARES: Final[Mapping[str, float]] = {"P50": 0.5, "P95": 0.95, "P99": 0.99}
CPU: Final = "CPU"
ALL: Final = "all requests"
TAIL_SAMPLES: Final = 20
"""A percentile is looked at where at least so many answers are slower than it, on each side."""
BLOCK_S: Final = 1.0
"""No block is shorter: bursts of work and of noise last for tenths of a second."""

Names = tuple[str, ...]


class Figure(Struct, frozen=True, kw_only=True):
    """One figure of one endpoint on both sides, in ms, and how far it has shifted from base to head."""

    endpoint: str
    metric: str
    base: float
    head: float
    shift: Shift


class Curves(Struct, frozen=True, kw_only=True):
    """One endpoint's response times in ms, by side, at shares (0 to 1) that lie ever closer to 1."""

    shares: tuple[float, ...]
    sides: Mapping[str, tuple[float, ...]]


class CpuReading(Struct, frozen=True):
    """What each side's processes had used by a moment (seconds since the epoch), in seconds of CPU time."""

    at: float
    used_s: Mapping[str, float]


class Round(Struct, frozen=True, kw_only=True):
    """What fresh processes answered from `start` to `end`, in seconds since the epoch; failures apart."""

    start: float
    end: float
    sides: Mapping[str, Samples]
    readings: tuple[CpuReading, ...]

    @property
    def blocks(self) -> int:
        """How many blocks it is cut into."""
        return max(int((self.end - self.start) / BLOCK_S), 1)

    def block(self, samples: Samples) -> Blocks:
        """Return the block in which each answer came."""
        place = (samples.done_s - self.start) / (self.end - self.start) * self.blocks
        found: Blocks = np.clip(place, 0, self.blocks - 1).astype(np.intp)
        return found

    def cpu_ms(self, name: str) -> Floats:
        """Return what a side's processes used in each block."""
        edges = np.linspace(self.start, self.end, self.blocks + 1)
        used_s = [each.used_s[name] for each in self.readings]
        found: Floats = np.diff(np.interp(edges, [each.at for each in self.readings], used_s)) * 1_000
        return found


def judged_round(
    sides: Mapping[str, Samples], window: tuple[float, float], readings: Sequence[CpuReading]
) -> Round:
    """Keep what came within a window (seconds since the epoch), the warm-up having ended."""
    start, end = window

    def judged(samples: Samples) -> Samples:
        return samples.kept((samples.start_s >= start) & (samples.done_s <= end)).succeeded()

    kept = {name: judged(samples) for name, samples in sides.items()}
    return Round(start=start, end=end, sides=kept, readings=tuple(readings))


class Rounds:
    """All rounds of a run; `alike` is, by metric, how far processes of one program differ (SD)."""

    def __init__(self, rounds: Sequence[Round], alike: Mapping[str, float]) -> None:
        self._rounds = rounds
        blocks = [each.blocks for each in rounds]
        self._firsts = np.cumsum([0, *blocks])
        self._resampling = Resampling(sum(blocks))
        self._spread = {metric: share / math.sqrt(len(rounds)) for metric, share in alike.items()}

    def figures(self, base: Names, head: Names) -> list[Figure]:
        """Compare sides, each put together from one or more: first what all requests cost."""
        endpoints = self._endpoints(base) & self._endpoints(head)
        return [
            *self._of_all(base, head),
            *(figure for endpoint in sorted(endpoints) for figure in self._of_endpoint(endpoint, base, head)),
        ]

    def samples(self, names: Names, endpoint: str | None = None) -> Samples:
        """Return all judged successes."""
        return joined(self._parts(names, endpoint))

    def curves(self, sides: Mapping[str, Names], points: int) -> dict[str, Curves]:
        """Return each endpoint's distribution on every side, as far out as twenty answers are slower."""
        endpoints = set.intersection(*(self._endpoints(names) for names in sides.values()))
        return {endpoint: self._curves(endpoint, sides, points) for endpoint in sorted(endpoints)}

    def _curves(self, endpoint: str, sides: Mapping[str, Names], points: int) -> Curves:
        times = {side: self.samples(names, endpoint).response_ms for side, names in sides.items()}
        fewest = min(map(len, times.values()))
        shares = 1 - np.logspace(0, -math.log10(max(fewest / TAIL_SAMPLES, 2.0)), points)
        return Curves(
            shares=tuple(np.round(shares, 6).tolist()),
            sides={
                side: tuple(np.round(np.quantile(values, shares), 4).tolist())
                for side, values in times.items()
            },
        )

    def _parts(self, names: Names, endpoint: str | None = None) -> list[Samples]:
        return [each.sides[name].of(endpoint) for each in self._rounds for name in names]

    def _endpoints(self, names: Names) -> set[str]:
        return set(self.samples(names).endpoints()) - {NO_ENDPOINT}

    def _blocks(self, names: Names, endpoint: str | None = None) -> Blocks:
        return np.concatenate(
            [
                each.block(each.sides[name].of(endpoint)) + first
                for each, first in zip(self._rounds, self._firsts, strict=False)
                for name in names
            ]
        )

    def _of_all(self, base: Names, head: Names) -> Iterator[Figure]:
        """All CPU time of the processes for each request: also what they do between requests."""
        totals = [self._cpu_totals(names) for names in (base, head)]
        if all((each.sums > 0).all() and (each.counts > 0).all() for each in totals):
            shift = self._resampling.ratios(*totals)
            yield self._figure(ALL, CPU, (totals[0].ratio, totals[1].ratio), shift)

    def _cpu_totals(self, names: Names) -> Totals:
        sums = np.concatenate([sum(each.cpu_ms(name) for name in names) for each in self._rounds])
        counts = np.bincount(self._blocks(names), minlength=len(sums))
        return Totals(sums, counts.astype(np.float64))

    def _of_endpoint(self, endpoint: str, base: Names, head: Names) -> Iterator[Figure]:
        sides = [self.samples(names, endpoint) for names in (base, head)]
        blocks = [self._blocks(names, endpoint) for names in (base, head)]
        fewest = min(map(len, sides))
        shares = {metric: share for metric, share in SHARES.items() if fewest * (1 - share) >= TAIL_SAMPLES}
        if shares:
            times = [Values(side.response_ms, block) for side, block in zip(sides, blocks, strict=True)]
            shifts = self._resampling.percentiles(times[0], times[1], tuple(shares.values()))
            for (metric, share), shift in zip(shares.items(), shifts, strict=True):
                base_ms, head_ms = (float(np.quantile(side.response_ms, share)) for side in sides)
                yield self._figure(endpoint, metric, (base_ms, head_ms), shift)
        costs = [_known(side.cpu_ms, block) for side, block in zip(sides, blocks, strict=True)]
        if min(len(cost.values) for cost in costs) >= TAIL_SAMPLES:
            base_ms, head_ms = (float(cost.values.mean()) for cost in costs)
            yield self._figure(endpoint, CPU, (base_ms, head_ms), self._resampling.means(*costs))

    def _figure(self, endpoint: str, metric: str, sides: tuple[float, float], shift: Shift) -> Figure:
        wide = shift.widened(self._spread[metric])
        return Figure(endpoint=endpoint, metric=metric, base=sides[0], head=sides[1], shift=wide)


def _known(values: Floats, block: Blocks) -> Values:
    is_known = np.isfinite(values)
    return Values(values[is_known], block[is_known])
