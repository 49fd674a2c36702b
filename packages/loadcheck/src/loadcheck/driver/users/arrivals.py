"""Open workloads: arrivals come when they come, whether or not the server keeps up.

Coordinated omission, the error of measuring a stalled server only by those who got in, is avoided by counting
from the moment at which each arrival was due (Tene, "How NOT to Measure Latency"; wrk2 does the same).
"""

import random
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from gevent.event import AsyncResult
from locust import User

from loadcheck.driver.clock import Clock
from loadcheck.model.workload import Arrivals, Workload

TIMER_GRAIN_S = 0.002
"""gevent's timers wake up to a millisecond or two late: an arrival that is no later came when it woke."""

LOOK_EVERY_S = 0.01


class Callers:
    """The callers of an open workload, and the line of arrivals that wait until one of them is free."""

    def __init__(self, clock: Clock, patience_s: float) -> None:
        self._clock = clock
        self._patience_s = patience_s
        self._free: dict[str, list[AsyncResult]] = {}
        self._line: dict[str, deque[float]] = {}
        self._coming = 0
        self._is_closed = False
        self.due_s, self.dropped_s = array("d"), array("d")
        self.late_ms = array("d")

    @contextmanager
    def coming(self) -> Iterator[None]:
        """Count a caller that does what comes before its first call, such as a login."""
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    def wait_until_all_came(self) -> None:
        """Wait until no caller is still coming: the first arrivals must not wait for that."""
        self._wait_while(lambda: self._coming > 0)

    def arrive(self, name: str, due_s: float) -> None:
        """Pass an arrival to a free caller of its class, or queue it."""
        woke_s = self._clock.elapsed_s()
        self.late_ms.append((woke_s - due_s) * 1_000)
        self.due_s.append(due_s)
        at_s = woke_s if woke_s - due_s <= TIMER_GRAIN_S else due_s
        if free := self._free.get(name):
            free.pop().set(at_s)  # the one that was busy last: few connections do most of the work
        else:
            self._line.setdefault(name, deque()).append(at_s)

    def wait_for_arrival(self, user: User) -> None:
        """Block a user until there is an arrival for it; ends its greenlet when there will be none.

        (Locust logs a `StopUser` as an error where it comes before the first task.)
        """
        if self._is_closed:
            raise gevent.GreenletExit
        name = type(user).__name__
        due_s = self._first_in_line(name)
        if due_s is None:
            called = AsyncResult()
            self._free.setdefault(name, []).append(called)
            due_s = called.get()
        if due_s is None:
            raise gevent.GreenletExit
        current: Any = gevent.getcurrent()
        current.due_s = due_s

    def let_line_through(self) -> None:
        """Wait until nobody stands in line any more, at most as long as their patience lasts.

        Whoever came just before the end has not come in vain: the next free caller serves them.
        """
        self._wait_while(lambda: any(self._line.values()))

    def close(self) -> None:
        """Send free callers home; who still stands in line has come in vain."""
        self._is_closed = True
        for called in (each for free in self._free.values() for each in free):
            called.set(None)
        for line in self._line.values():
            self.dropped_s.extend(line)
        self._line.clear()

    def _wait_while(self, is_so: Callable[[], bool]) -> None:
        until_s = self._clock.elapsed_s() + self._patience_s
        while is_so() and self._clock.elapsed_s() < until_s:
            gevent.sleep(LOOK_EVERY_S)

    def _first_in_line(self, name: str) -> float | None:
        """Return the next who has not given up."""
        line = self._line.get(name)
        while line:
            due_s = line.popleft()
            if self._clock.elapsed_s() - due_s <= self._patience_s:
                return due_s
            self.dropped_s.append(due_s)
        return None


class ArrivalProcess:
    """Lets arrivals come at a rate, evenly or as a Poisson process; `part` of `parts` that share it."""

    def __init__(self, workload: Workload, callers: Callers, clock: Clock, part: int, parts: int) -> None:
        self._names = [spec.name for spec in workload.users]
        self._weights = [spec.weight for spec in workload.users]
        self._is_even = workload.spread == "constant"
        self._callers = callers
        self._clock = clock
        self._part, self._parts = part, parts
        self._random = random.Random(workload.seed * 1_000 + part)  # noqa: S311 - load needs no cryptographic randomness
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self, stage: Arrivals) -> None:
        """Go over to a stage's rate."""
        self.stop()
        self._greenlet = gevent.spawn(self._run, stage.rate_per_s)

    def stop(self) -> None:
        """Let nobody arrive any more."""
        if self._greenlet:
            self._greenlet.kill()

    def _run(self, rate_per_s: float) -> None:
        for due_s in self._due_times(rate_per_s):
            ahead_s = due_s - self._clock.elapsed_s()
            gevent.sleep(max(ahead_s, 0.0))
            (name,) = self._random.choices(self._names, self._weights)
            self._callers.arrive(name, due_s)

    def _due_times(self, rate_per_s: float) -> Iterator[float]:
        """Processes share a Poisson process by independent ones, and an even one by turns."""
        mean_s = self._parts / rate_per_s
        due_s = self._clock.elapsed_s() + (self._part / rate_per_s if self._is_even else 0.0)
        while True:
            due_s += mean_s if self._is_even else self._random.expovariate(1 / mean_s)
            yield due_s
