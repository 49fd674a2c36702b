"""How late the event loop wakes: what every request of this process waits for, whatever it asks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Final, Self

PERIOD_S: Final = 0.02
WINDOW_S: Final = 2.0


class LoopLag:
    """Asks the loop to be woken every `PERIOD_S` and tells how late that was, as an async context.

    A stall counts from the moment the next wake was due: up to `PERIOD_S` less than it lasted. The loop
    keeps its own timers to the millisecond, so a lateness below that says nothing. A timer that sets the
    next one costs less than a task that sleeps.

    Args:
        note: Takes the lateness of each wake, in seconds.
    """

    def __init__(self, note: Callable[[float], object]) -> None:
        self._note = note
        self._recent = RecentMax(WINDOW_S)
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    async def __aenter__(self) -> Self:
        """Begin to watch the running loop."""
        self._wait(asyncio.get_running_loop())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def highest_s(self) -> float:
        """Give the highest lateness of the last `WINDOW_S`; a wake that is due by now counts as it stands.

        Asking changes nothing: whoever asks at least every `WINDOW_S` sees every stall.
        """
        now = perf_counter()
        overdue_s = now - self._due if self._timer else 0.0
        return max(self._recent.read(now), overdue_s, 0.0)

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = perf_counter() + PERIOD_S
        self._timer = loop.call_later(PERIOD_S, self._wake, loop)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        now = perf_counter()
        late_s = max(0.0, now - self._due)
        self._recent.add(late_s, now)
        self._note(late_s)
        self._wait(loop)


class RecentMax:
    """The highest of the values of the last `window_s` seconds.

    Only values that no later one exceeds are kept, so the first is the highest.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._falling: deque[tuple[float, float]] = deque()

    def add(self, value: float, now: float) -> None:
        """Take a value at this time."""
        while self._falling and self._falling[-1][1] <= value:
            self._falling.pop()
        self._falling.append((now, value))
        self._forget(now)

    def read(self, now: float) -> float:
        """Give the highest; 0 where there is none."""
        self._forget(now)
        return self._falling[0][1] if self._falling else 0.0

    def _forget(self, now: float) -> None:
        while self._falling and self._falling[0][0] < now - self._window_s:
            self._falling.popleft()
