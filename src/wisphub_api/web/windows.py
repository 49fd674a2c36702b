"""Counts of requests in windows, in this process's memory."""

from __future__ import annotations

import time
from collections.abc import Callable

from limits.aio.storage import Storage


class Windows(Storage):
    """Counts in this process's memory.

    `limits` has such a storage, which starts a task with each count that looks at all keys; here a count is a
    look into a dictionary, and windows that have ended are forgotten when there are `most`, or twice as many
    as were left the last time.

    Args:
        clock: Seconds since the epoch.
        most: How many windows are kept before any is forgotten.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], float] = time.time, most: int = 1024) -> None:
        super().__init__()
        self._clock = clock
        self._least = self._most = most
        self._counts: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """Name what may go wrong: nothing does."""
        return ValueError

    def __len__(self) -> int:
        return len(self._counts)

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; a window that has ended, or that a clock set back would keep for longer, begins anew."""
        now = self._clock()
        count, ends = self._counts.get(key, (0, 0.0))
        if not now < ends <= now + expiry:
            count, ends = 0, now + expiry
            self._forget_ended(now)
        self._counts[key] = (count + amount, ends)
        return count + amount

    async def get(self, key: str) -> int:
        """Tell the count of the window."""
        count, ends = self._counts.get(key, (0, 0.0))
        return count if self._clock() < ends else 0

    async def get_expiry(self, key: str) -> float:
        """Tell when the window ends."""
        return self._counts.get(key, (0, self._clock()))[1]

    async def check(self) -> bool:
        """Tell that counting works."""
        return True

    async def reset(self) -> int:
        """Forget all."""
        count = len(self._counts)
        self._counts.clear()
        return count

    async def clear(self, key: str) -> None:
        """Forget one window."""
        self._counts.pop(key, None)

    def _forget_ended(self, now: float) -> None:
        if len(self._counts) < self._most:
            return
        self._counts = {key: value for key, value in self._counts.items() if now < value[1]}
        self._most = max(self._least, 2 * len(self._counts))
