"""What the processes of the service know together: counts, holds and notes, each for a time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

from msgspec import Struct

from wisphub_api.fleet.spending import Limit, Spending, Spent, Window, decide

V = TypeVar("V")


class Hold(Struct, frozen=True):
    """One of the places under a key, held by whoever knows the token."""

    key: str
    token: str


class Store(Protocol):
    """Counts, holds and notes, safe to use from many tasks and, where it is shared, from many processes.

    Nothing here raises because others cannot be reached: a store that is shared goes on alone.
    A key names no subscriber: it holds numbers, or digests.
    """

    async def spend(self, limits: Sequence[Limit], amount: int = 1) -> Spent:
        """Count an amount under all these limits, or nothing where one of them does not allow it.

        One step, over all processes; those of one process take effect in the order in which they were
        called. With an amount of 0 nothing is counted: it is granted where 1 would be.
        """
        ...

    def spend_now(self, limits: Sequence[Limit], amount: int = 1) -> Spent | None:
        """Do what `spend` does where it is done without waiting; do nothing and return None elsewhere."""
        ...

    async def hold(self, key: str, for_s: float, most: int = 1) -> Hold | None:
        """Take one of `most` places, or None where all are held; after `for_s` it is free again."""
        ...

    async def release(self, hold: Hold) -> None:
        """Give a place back; one that has been given back already, or is another's by now, is left alone."""
        ...

    async def read(self, key: str) -> bytes | None:
        """Give the note under this key."""
        ...

    async def write(self, key: str, note: bytes, keep_s: float) -> None:
        """Leave a note, in the place of the one before."""
        ...

    async def erase(self, key: str) -> None:
        """Take a note away."""
        ...

    async def close(self) -> None:
        """Let go of what it is kept in."""
        ...


class _Ending(Struct, Generic[V], frozen=True):
    value: V
    ends: float


class Expiring(Generic[V]):
    """A dictionary whose entries end; those that have ended are forgotten when there are `most`.

    Twice as many as were left may then come before it looks again.
    """

    def __init__(self, clock: Callable[[], float], most: int = 1024) -> None:
        self._clock = clock
        self._least = self._most = most
        self._entries: dict[str, _Ending[V]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> _Ending[V] | None:
        """Give an entry that has not ended."""
        entry = self._entries.get(key)
        return entry if entry is not None and self._clock() < entry.ends else None

    def set(self, key: str, value: V, ends: float) -> None:
        """Keep an entry until a time."""
        if key not in self._entries and len(self._entries) >= self._most:
            now = self._clock()
            self._entries = {name: entry for name, entry in self._entries.items() if now < entry.ends}
            self._most = max(self._least, 2 * len(self._entries))
        self._entries[key] = _Ending(value, ends)

    def __iter__(self) -> Iterator[str]:
        return iter([key for key in self._entries if self.get(key) is not None])

    def pop(self, key: str) -> None:
        """Forget an entry."""
        self._entries.pop(key, None)


class MemoryStore:
    """A store of this process alone.

    Args:
        clock: Seconds on a monotonic clock.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: Expiring[Window] = Expiring(clock)
        self._holds: Expiring[dict[str, float]] = Expiring(clock)
        self._notes: Expiring[bytes] = Expiring(clock)

    async def spend(self, limits: Sequence[Limit], amount: int = 1) -> Spent:
        """Count an amount under all these limits, or nothing; never suspends."""
        return self.spend_now(limits, amount)

    def spend_now(self, limits: Sequence[Limit], amount: int = 1) -> Spent:
        """Count an amount under all these limits, or nothing."""
        spent, windows = decide(Spending(limits, amount), self._window, self._clock())
        for limit, window in zip(limits, windows, strict=False):  # there is none where nothing is counted
            self._windows.set(limit.key, window, window.ends)
        return spent

    def _window(self, key: str) -> Window | None:
        entry = self._windows.get(key)
        return entry.value if entry else None

    async def hold(self, key: str, for_s: float, most: int = 1) -> Hold | None:
        """Take one of `most` places."""
        now, entry = self._clock(), self._holds.get(key)
        held = {token: ends for token, ends in (entry.value if entry else {}).items() if now < ends}
        if len(held) >= most:
            return None
        hold = Hold(key, new_token())
        held[hold.token] = now + for_s
        self._holds.set(key, held, max(held.values()))
        return hold

    async def release(self, hold: Hold) -> None:
        """Give a place back."""
        entry = self._holds.get(hold.key)
        if entry is not None:
            entry.value.pop(hold.token, None)

    async def read(self, key: str) -> bytes | None:
        """Give the note under this key."""
        entry = self._notes.get(key)
        return entry.value if entry else None

    async def write(self, key: str, note: bytes, keep_s: float) -> None:
        """Leave a note."""
        self._notes.set(key, note, self._clock() + keep_s)

    async def erase(self, key: str) -> None:
        """Take a note away."""
        self._notes.pop(key)

    async def close(self) -> None:
        """Forget it with the process."""


TOKEN_BYTES: Final = 16


def new_token() -> str:
    """Make what nobody else has."""
    return secrets.token_hex(TOKEN_BYTES)
