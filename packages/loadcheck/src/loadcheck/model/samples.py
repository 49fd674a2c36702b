"""Raw samples: one row per request, in columns; slices of them."""

import math
from collections.abc import Callable, Iterable
from typing import Any, Self, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from loadcheck.model.cache_status import CacheState

T = TypeVar("T")

Floats = NDArray[np.float64]
Integers = NDArray[np.uint64]
Flags = NDArray[np.bool_]

NO_ENDPOINT = "(user)"
"""The endpoint of failures that belong to no request: a user that raised, or that never got its answer."""

LATENESS = (
    "timeout",
    "Timeout",
    "TimeoutError",
    "ConnectTimeout",
    "ConnectTimeoutError",
    "ReadTimeout",
    "ReadTimeoutError",
    "no answer by the end of the run",
)
"""Failures that a starved load generator can cause by itself; any other is the server's."""


class Label(Struct, frozen=True, array_like=True):
    """What many samples have in common; `failure` is a reason in words, empty for a success."""

    method: str
    endpoint: str
    status: int
    failure: str = ""
    cache: CacheState = ""

    @property
    def is_late(self) -> bool:
        """Did it fail only because no answer came in time?"""
        return self.failure in LATENESS


class Row(Struct, frozen=True, kw_only=True):
    """One request; see `Samples` for the meaning of each."""

    label: Label
    intended_s: float
    start_s: float
    first_byte_ms: float
    response_ms: float
    done_s: float
    size: int
    cpu_ms: float = math.nan


NO_FLOATS: Floats = np.empty(0)


class Samples(Struct, frozen=True, eq=False):
    """Requests as columns of equal length, in the order in which they ended.

    Times are seconds since the start of the run: `intended_s` when a request was due (in a closed workload:
    when it began), `start_s` when it was sent, `done_s` when its content had been checked. `first_byte_ms`
    (NaN: unknown) and `response_ms` count from `start_s`; `size` is the body's bytes, `label` an index of
    `labels`. `cpu_ms` is the CPU time that the server spent on it, where it is known (NaN: unknown).
    """

    labels: tuple[Label, ...] = ()
    intended_s: Floats = NO_FLOATS
    start_s: Floats = NO_FLOATS
    first_byte_ms: Floats = NO_FLOATS
    response_ms: Floats = NO_FLOATS
    done_s: Floats = NO_FLOATS
    cpu_ms: Floats = NO_FLOATS
    size: Integers = np.empty(0, np.uint64)
    label: NDArray[np.uint32] = np.empty(0, np.uint32)

    def __len__(self) -> int:
        return len(self.label)

    @classmethod
    def of_rows(cls, rows: Iterable[Row]) -> Self:
        """Put rows into columns."""
        rows = tuple(rows)
        numbers: dict[Label, int] = {}
        for row in rows:
            numbers.setdefault(row.label, len(numbers))
        return cls(
            labels=tuple(numbers),
            intended_s=np.array([row.intended_s for row in rows]),
            start_s=np.array([row.start_s for row in rows]),
            first_byte_ms=np.array([row.first_byte_ms for row in rows]),
            response_ms=np.array([row.response_ms for row in rows]),
            done_s=np.array([row.done_s for row in rows]),
            cpu_ms=np.array([row.cpu_ms for row in rows]),
            size=np.array([row.size for row in rows], np.uint64),
            label=np.array([numbers[row.label] for row in rows], np.uint32),
        )

    @property
    def latency_ms(self) -> Floats:
        """The time from the intended start to the last byte: what whoever came at that moment has waited."""
        return (self.start_s - self.intended_s) * 1_000 + self.response_ms

    def judged_from(self, start_s: float, end_s: float = math.inf) -> Self:
        """Keep the requests that ended at or after a moment of the run, and were due by another.

        Whoever still waits then counts: a server that stalled during warm-up is not forgiven. What is due
        later is no part of the load: all users leave at once and may say goodbye. Failures that belong to no
        endpoint stay in any case: a user lost while spawning is missing later.
        """
        is_within = (self.done_s >= start_s) & (self.intended_s <= end_s)
        return self.kept(is_within | self.flags(lambda label: label.endpoint == NO_ENDPOINT))

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
        return self.kept(self.flags(keep))

    def flags(self, test: Callable[[Label], bool]) -> Flags:
        """Say of each sample whether its label passes."""
        passing = np.array([test(label) for label in self.labels], np.bool_)
        return passing[self.label] if len(self) else np.empty(0, np.bool_)

    def endpoints(self) -> tuple[str, ...]:
        """Name the endpoints that have samples, sorted."""
        return tuple(sorted({self.labels[index].endpoint for index in np.unique(self.label)}))

    def count_by(self, key: Callable[[Label], T]) -> dict[T, int]:
        """Count samples by something their labels have."""
        counts: dict[T, int] = {}
        for index, count in zip(*np.unique(self.label, return_counts=True), strict=True):
            name = key(self.labels[index])
            counts[name] = counts.get(name, 0) + int(count)
        return counts

    def kept(self, selection: NDArray[Any]) -> Self:
        """Keep the rows that a mask or a list of indices selects."""
        return type(self)(
            labels=self.labels,
            intended_s=self.intended_s[selection],
            start_s=self.start_s[selection],
            first_byte_ms=self.first_byte_ms[selection],
            response_ms=self.response_ms[selection],
            done_s=self.done_s[selection],
            cpu_ms=self.cpu_ms[selection],
            size=self.size[selection],
            label=self.label[selection],
        )


def joined(parts: Iterable[Samples]) -> Samples:
    """Put several callers' samples into one, each keeping its own zero of time."""
    parts = tuple(parts)
    labels: list[Label] = []
    shifted = []
    for part in parts:
        shifted.append(part.label + np.uint32(len(labels)))
        labels.extend(part.labels)
    if not parts:
        return Samples()
    return Samples(
        labels=tuple(labels),
        intended_s=np.concatenate([part.intended_s for part in parts]),
        start_s=np.concatenate([part.start_s for part in parts]),
        first_byte_ms=np.concatenate([part.first_byte_ms for part in parts]),
        response_ms=np.concatenate([part.response_ms for part in parts]),
        done_s=np.concatenate([part.done_s for part in parts]),
        cpu_ms=np.concatenate([part.cpu_ms for part in parts]),
        size=np.concatenate([part.size for part in parts]),
        label=np.concatenate(shifted),
    )
