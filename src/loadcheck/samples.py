"""Raw samples: one row per request, in columns; slices and exact figures of them."""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from typing import Self, TypeVar

from msgspec import Struct

from loadcheck.cache_status import CacheState

T = TypeVar("T")

NO_ENDPOINT = "(user)"
"""The endpoint of failures that belong to no request: a user that raised, or that never got its answer."""


class Label(Struct, frozen=True, array_like=True):
    """What many samples have in common; `failure` is a reason in words, empty for a success."""

    method: str
    endpoint: str
    status: int
    failure: str = ""
    cache: CacheState = ""


class Samples(Struct, frozen=True):
    """Requests as columns of equal length, in the order in which they ended.

    `start_s` is counted from the start of the run by the wall clock, `done_s` by the monotonic clock when the
    content had been checked; `response_ms` is Locust's float, `size` the body's bytes, `label` an index of
    `labels`.
    """

    labels: tuple[Label, ...] = ()
    start_s: Sequence[float] = ()
    done_s: Sequence[float] = ()
    response_ms: Sequence[float] = ()
    size: Sequence[int] = ()
    label: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.label)

    def judged_from(self, start_s: float) -> Self:
        """Keep the requests that ended at or after a moment of the run.

        Whoever still waits then counts: a server that stalled during warm-up is not forgiven. Failures that
        belong to no endpoint stay in any case: a user lost while spawning is missing later.
        """
        homeless = [label.endpoint == NO_ENDPOINT for label in self.labels]
        return self._kept(
            [at >= start_s or homeless[index] for at, index in zip(self.done_s, self.label, strict=True)]
        )

    def of(self, endpoint: str | None) -> Self:
        """Keep one endpoint's samples; None keeps all."""
        return self if endpoint is None else self.where(lambda label: label.endpoint == endpoint)

    def succeeded(self) -> Self:
        """Keep the successes: the only samples whose latency means anything."""
        return self.where(lambda label: not label.failure)

    def failed(self) -> Self:
        """Keep the failures."""
        return self.where(lambda label: bool(label.failure))

    def where(self, keep: Callable[[Label], bool]) -> Self:
        """Keep the samples whose label passes."""
        kept = [keep(label) for label in self.labels]
        return self._kept([kept[index] for index in self.label])

    def endpoints(self) -> tuple[str, ...]:
        """Name the endpoints that have samples, sorted."""
        return tuple(sorted({self.labels[index].endpoint for index in set(self.label)}))

    def count_by(self, key: Callable[[Label], T]) -> dict[T, int]:
        """Count samples by something their labels have."""
        counts: dict[T, int] = {}
        for index in self.label:
            name = key(self.labels[index])
            counts[name] = counts.get(name, 0) + 1
        return counts

    def _kept(self, selectors: list[bool]) -> Self:
        def pick(column: Iterable[float]) -> list[float]:
            return list(compress(column, selectors))

        return type(self)(
            labels=self.labels,
            start_s=pick(self.start_s),
            done_s=pick(self.done_s),
            response_ms=pick(self.response_ms),
            size=[*compress(self.size, selectors)],
            label=[*compress(self.label, selectors)],
        )


class Figures(Struct, frozen=True, kw_only=True):
    """What a set of samples amounts to. Latencies are of successes only, and None when there are none."""

    requests: int
    failures: int
    failure_ratio: float
    rate_per_s: float
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    hit_ratio: float
    stale_ratio: float
    mean_bytes: float


def figures(samples: Samples, duration_s: float, until_s: float = math.inf) -> Figures:
    """Sum up samples that were taken in `duration_s` seconds, up to `until_s`.

    The rate counts every request that ended by then; who was answered later counts for all the rest.
    """
    successes = samples.succeeded()
    latencies = sorted(successes.response_ms)
    caches = successes.count_by(lambda label: label.cache)
    failures = len(samples) - len(successes)
    return Figures(
        requests=len(samples),
        failures=failures,
        failure_ratio=_ratio(failures, len(samples)),
        rate_per_s=_ratio(sum(done_s <= until_s for done_s in samples.done_s), duration_s),
        mean_ms=math.fsum(latencies) / len(latencies) if latencies else None,
        p50_ms=percentile(latencies, 0.50),
        p95_ms=percentile(latencies, 0.95),
        p99_ms=percentile(latencies, 0.99),
        max_ms=latencies[-1] if latencies else None,
        hit_ratio=_ratio(caches.get("hit", 0) + caches.get("stale", 0), len(successes)),
        stale_ratio=_ratio(caches.get("stale", 0), len(successes)),
        mean_bytes=_ratio(sum(successes.size), len(successes)),
    )


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the quantile of sorted values at `share` (0 to 1); None when there are no values.

    Definition 7 of Hyndman & Fan, "Sample Quantiles in Statistical Packages", The American Statistician
    50 (1996): linear between the two nearest ranks of (n - 1) * share, as numpy and R do.
    """
    if not ordered:
        return None
    rank = (len(ordered) - 1) * share
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def samples_needed(share: float, confidence: float = 0.95) -> int:
    """Return how many samples asserting a percentile takes: 5 for P50, 59 for P95, 299 for P99.

    With fewer, not even the slowest of them lies above the true percentile with the given confidence:
    1 - share**n >= confidence (Wilks, "Determination of Sample Sizes for Setting Tolerance Limits", Annals of
    Mathematical Statistics 12 (1941)).
    """
    return math.ceil(math.log(1 - confidence) / math.log(share))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def joined(parts: Iterable[Samples]) -> Samples:
    """Put several callers' samples into one, each keeping its own zero of time."""
    whole = Samples()
    for part in parts:
        shift = len(whole.labels)
        whole = Samples(
            labels=(*whole.labels, *part.labels),
            start_s=[*whole.start_s, *part.start_s],
            done_s=[*whole.done_s, *part.done_s],
            response_ms=[*whole.response_ms, *part.response_ms],
            size=[*whole.size, *part.size],
            label=[*whole.label, *(number + shift for number in part.label)],
        )
    return whole
