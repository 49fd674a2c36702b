"""What the rounds so far say: every endpoint's percentiles and CPU time, base against head.

In a round fresh processes of all sides are asked the same. Two processes of one and the same program differ
for as long as they live, by how their memory came to lie (Mytkowicz et al., "Producing Wrong Data Without
Doing Anything Obviously Wrong!", ASPLOS 2009): no number of requests to them tells that from a change, but
fresh ones do (Curtsinger & Berger, "Stabilizer", ASPLOS 2013). By how much they differ is known from many
runs; where the rounds of this one differ by more, that counts.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from scipy import special

from loadcheck.compare.decide import DECIDING
from loadcheck.compare.shift import Blocks, Resampling, Shift, Totals, Values
from loadcheck.model.samples import NO_ENDPOINT, Floats, Samples, joined

SHARES: Final[Mapping[str, float]] = {"P50": 0.5, "P95": 0.95, "P99": 0.99}
CPU: Final = "CPU"
ALL: Final = "all requests"
TAIL_SAMPLES: Final = 20
"""A percentile is reported where at least so many answers are slower than it, on each side."""
FEWEST_ROUNDS: Final = 3
"""So many tell by how much they differ."""
SURELY: Final = 0.01
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
        self._alike = alike

    def figures(self, base: Names, head: Names) -> list[Figure]:
        """Compare sides, each put together from one or more: first what all requests cost.

        Of what too few answers tell the error is infinite.
        """
        endpoints = self._endpoints(base) & self._endpoints(head)
        return [
            *self._of_all(base, head),
            *(figure for endpoint in sorted(endpoints) for figure in self._of_endpoint(endpoint, base, head)),
        ]

    def unmatched(self, base: Names, head: Names) -> tuple[str, ...]:
        """Name the endpoints that answered on one side alone."""
        return tuple(sorted(self._endpoints(base) ^ self._endpoints(head)))

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
        """Yield the CPU time of the processes for each request, with what they do between requests."""
        totals = [self._cpu_totals(names) for names in (base, head)]
        if all(each.sums.sum() > 0 and each.counts.sum() > 0 for each in totals):
            sides = (totals[0].ratio, totals[1].ratio)
            yield self._figure(ALL, CPU, sides, self._resampling.ratios(*totals), self._by_round(totals))

    def _cpu_totals(self, names: Names) -> Totals:
        sums = np.concatenate([sum(each.cpu_ms(name) for name in names) for each in self._rounds])
        counts = np.bincount(self._blocks(names), minlength=len(sums))
        return Totals(sums, counts.astype(np.float64))

    def _by_round(self, totals: Sequence[Totals]) -> Floats:
        """Return the logarithm of head's ratio to base's, a round each."""
        base, head = (
            np.add.reduceat(each.sums, self._firsts[:-1]) / np.add.reduceat(each.counts, self._firsts[:-1])
            for each in totals
        )
        return np.log(head / base)

    def _of_endpoint(self, endpoint: str, base: Names, head: Names) -> Iterator[Figure]:
        sides = [self.samples(names, endpoint) for names in (base, head)]
        blocks = [self._blocks(names, endpoint) for names in (base, head)]
        times = [Values(side.response_ms, block) for side, block in zip(sides, blocks, strict=True)]
        yield from self._percentiles(endpoint, times)
        costs = [_known(side.cpu_ms, block) for side, block in zip(sides, blocks, strict=True)]
        if all(len(cost.values) for cost in costs):
            yield self._cost(endpoint, costs)

    def _percentiles(self, endpoint: str, times: Sequence[Values]) -> Iterator[Figure]:
        fewest = min(len(each.values) for each in times)
        told = {metric: share for metric, share in SHARES.items() if fewest * (1 - share) >= TAIL_SAMPLES}
        wanted = {metric: share for metric, share in SHARES.items() if metric in told or metric in DECIDING}
        shares = tuple(wanted.values())
        shifts = self._resampling.percentiles(times[0], times[1], shares)
        middles = zip(*(np.quantile(each.values, shares).tolist() for each in times), strict=True)
        for metric, shift, sides in zip(wanted, shifts, middles, strict=True):
            by_round = self._each_round(times, partial(np.quantile, q=SHARES[metric]))
            found = shift if metric in told else replace(shift, error=math.inf)
            yield self._figure(endpoint, metric, sides, found, by_round)

    def _cost(self, endpoint: str, costs: Sequence[Values]) -> Figure:
        sides = (float(costs[0].values.mean()), float(costs[1].values.mean()))
        shift = self._resampling.means(costs[0], costs[1])
        if min(len(cost.values) for cost in costs) < TAIL_SAMPLES:
            shift = replace(shift, error=math.inf)
        return self._figure(endpoint, CPU, sides, shift, self._each_round(costs, np.mean))

    def _each_round(self, sides: Sequence[Values], middle: Callable[[Floats], Any]) -> Floats:
        """Return the logarithm of head's middle to base's, a round each; NaN where a side has no value."""
        found = []
        for first, end in pairwise(self._firsts):
            values = [side.values[(side.block >= first) & (side.block < end)] for side in sides]
            is_told = all(len(each) for each in values)
            found.append(math.log(middle(values[1]) / middle(values[0])) if is_told else math.nan)
        return np.array(found)

    def _figure(
        self, endpoint: str, metric: str, sides: tuple[float, float], shift: Shift, by_round: Floats
    ) -> Figure:
        wide = self._widened(shift, self._alike[metric], by_round)
        return Figure(endpoint=endpoint, metric=metric, base=sides[0], head=sides[1], shift=wide)

    def _widened(self, shift: Shift, alike: float, by_round: Floats) -> Shift:
        """Add by how much rounds differ: as is known, or as is seen where that is surely more (F test)."""
        told, rounds = by_round[np.isfinite(by_round)], len(self._rounds)
        known = rounds * shift.error**2 + alike**2
        steady = shift.widened(alike / math.sqrt(rounds))
        if len(told) >= FEWEST_ROUNDS and math.isfinite(known):
            freedom, seen = len(told) - 1, float(told.var(ddof=1))
            if special.chdtrc(freedom, freedom * seen / known) < SURELY:
                wide = shift.widened(math.sqrt(seen / rounds - shift.error**2), freedom)
                return replace(wide, steady=steady)
        return steady


def _known(values: Floats, block: Blocks) -> Values:
    is_known = np.isfinite(values)
    return Values(values[is_known], block[is_known])
