"""Figures of the test's own, read while a workload is played: calls of an upstream, jobs in a queue."""

import threading
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from types import TracebackType
from typing import Self

READ_EVERY_S = 0.5

Readings = tuple[tuple[float, float], ...]
"""Pairs of seconds since the start of the run and a value, in order; never without the first and the last."""


class CounterWatch:
    """Reads counters twice a second, and at the beginning and the end, until left.

    A counter that raises ends the watch: the error is raised again on leaving.
    """

    def __init__(self, counters: Mapping[str, Callable[[], float]]) -> None:
        self._counters = dict(counters)
        self._read: dict[str, list[tuple[float, float]]] = {name: [] for name in counters}
        self._stopped = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._watch, name="counters", daemon=True)

    def __enter__(self) -> Self:
        self._read_all()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()
        if error is None:
            self._read_all()
            if self._error:
                raise self._error

    def readings(self, start: float) -> Mapping[str, Readings]:
        """Return what was read, by counter; `start` is the run's zero in seconds since the epoch."""
        return {name: tuple((at - start, value) for at, value in read) for name, read in self._read.items()}

    def _watch(self) -> None:
        while self._counters and not self._stopped.wait(READ_EVERY_S):
            try:
                self._read_all()
            except Exception as error:  # noqa: BLE001 - whatever the test's own function raises belongs to the test
                self._error = error
                return

    def _read_all(self) -> None:
        for name, read in self._counters.items():
            self._read[name].append((time.time(), float(read())))


def growth(readings: Readings, from_s: float) -> float:
    """Return by how much a counter has grown since a moment of the run.

    One that falls has begun anew, as Prometheus takes it too: what it shows then has come since.
    """
    before = [value for at_s, value in readings if at_s <= from_s] or [value for _, value in readings[:1]]
    values = [*before[-1:], *(value for at_s, value in readings if at_s > from_s)]
    return sum(later - last if later >= last else later for last, later in pairwise(values))
