"""How often WispHub Net may be called, and by how many at once: one budget for all, the urgent first."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import Final

from msgspec import Struct

PAUSE_S: Final = 1.0
"""How long nothing is sent after a 429 that does not say how long."""
BACK_OFF: Final = 0.7
RECOVER_PER_S: Final = 1.5
"""By a factor both ways: the same step would be nothing to a fast account and a burst to a slow one."""
SLOWEST_PER_S: Final = 1.0
FORGET_AFTER_S: Final = 60.0
"""A limit that was learned is forgotten when so long no 429 came."""


class Urgency(IntEnum):
    """Who waits for a call: a person, every answer (no client is known before all are), or nobody yet."""

    INTERACTIVE = 0
    NEEDED = 1
    BACKGROUND = 2


class BudgetState(Struct, frozen=True, kw_only=True):
    """The budget at one moment, for operators; `per_s` is None where there is no limit."""

    under_way: int
    waiting: int
    per_s: float | None
    pauses_s: float


class _Waiting(Struct, order=True):
    urgency: Urgency
    number: int
    granted: asyncio.Future[None]


class Budget:
    """Grants permits to call; for one event loop.

    At most `at_once` calls are under way, of which crawls take all but one: a person never waits for them.
    While what every answer needs is being read, other crawls make one call at a time. Calls begin at most
    `per_s` a second (None: as fast as they come). A 429 pauses all of them, for as long as it says, and
    lowers the rate; each second without one raises it again.

    Args:
        at_once: 1 or more.
        per_s: Above 0, or None.
        now: A monotonic clock in seconds; the event loop's where not given.
    """

    def __init__(
        self, at_once: int, per_s: float | None = None, now: Callable[[], float] | None = None
    ) -> None:
        self._whole_at_once, self._whole_per_s = at_once, per_s
        self.share(1)
        self._learned_per_s: float | None = None
        self._now = now or (lambda: asyncio.get_running_loop().time())
        self._queue: list[_Waiting] = []
        self._numbers = itertools.count()
        self._held = dict.fromkeys(Urgency, 0)
        self._next_at = 0.0
        self._refused_at = float("-inf")
        self._begun: deque[float] = deque(maxlen=1_000)
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def permit(self, urgency: Urgency) -> AsyncIterator[None]:
        """Wait for a permit, and hold it in this context."""
        waiting = _Waiting(urgency, next(self._numbers), asyncio.get_running_loop().create_future())
        heapq.heappush(self._queue, waiting)
        self._grant()
        try:
            await waiting.granted
        except asyncio.CancelledError:
            if waiting.granted.done() and not waiting.granted.cancelled():
                self._release(urgency)
            raise
        try:
            yield
        finally:
            self._release(urgency)

    def share(self, among: int) -> None:
        """Leave the other processes their part: each has an equal one, and one call at once at least."""
        self._at_once = max(1, self._whole_at_once // among)
        self._allowed_per_s = self._whole_per_s / among if self._whole_per_s else None

    def refused(self, retry_after_s: float | None) -> None:
        """Pause and slow down after a 429."""
        now = self._now()
        lately = sum(at > now - 1 for at in self._begun)
        self._learned_per_s = max(min(self.per_s or float(lately), float(lately)) * BACK_OFF, SLOWEST_PER_S)
        self._refused_at = now
        self._next_at = max(self._next_at, now + (PAUSE_S if retry_after_s is None else retry_after_s))

    @property
    def per_s(self) -> float | None:
        """The rate that is kept now: what is allowed, or less after a 429."""
        learned = self._learned()
        if learned is None or self._allowed_per_s is None:
            return self._allowed_per_s if learned is None else learned
        return min(learned, self._allowed_per_s)

    def state(self) -> BudgetState:
        """Return how it is doing."""
        return BudgetState(
            under_way=sum(self._held.values()),
            waiting=sum(not waiting.granted.done() for waiting in self._queue),
            per_s=self.per_s,
            pauses_s=max(self._next_at - self._now(), 0.0),
        )

    def _learned(self) -> float | None:
        """Return the rate that a 429 has left, growing again since; None when it is long ago."""
        since_s = self._now() - self._refused_at
        if self._learned_per_s is None or since_s > FORGET_AFTER_S:
            return None
        return float(self._learned_per_s * RECOVER_PER_S**since_s)

    def _grant(self) -> None:
        """Grant permits to those who may begin now; come back when the next may."""
        while (waiting := self._first()) is not None:
            now = self._now()
            if now < self._next_at:
                self._come_back(self._next_at - now)
                return
            heapq.heappop(self._queue)
            self._held[waiting.urgency] += 1
            self._begun.append(now)
            self._next_at = max(self._next_at, now) + (1 / self.per_s if self.per_s else 0.0)
            waiting.granted.set_result(None)

    def _first(self) -> _Waiting | None:
        """Return who is next, when there is room for it."""
        while self._queue and self._queue[0].granted.done():
            heapq.heappop(self._queue)  # it was cancelled
        return self._queue[0] if self._queue and self._has_room(self._queue[0].urgency) else None

    def _has_room(self, urgency: Urgency) -> bool:
        if urgency is Urgency.INTERACTIVE:
            return sum(self._held.values()) < self._at_once
        if sum(self._held.values()) >= self._at_once or self._crawling >= max(self._at_once - 1, 1):
            return False
        return urgency is Urgency.NEEDED or not (self._held[Urgency.NEEDED] and self._held[urgency])

    @property
    def _crawling(self) -> int:
        return self._held[Urgency.NEEDED] + self._held[Urgency.BACKGROUND]

    def _come_back(self, wait_s: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._grant)

    def _release(self, urgency: Urgency) -> None:
        self._held[urgency] -= 1
        self._grant()
