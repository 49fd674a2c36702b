"""What one process has for itself; it also stands in for what it shares."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Self, TypeVar

from msgspec import Struct

from wisphub_api.shared.backend import Lease, OnMessage, Snapshot, new_token
from wisphub_api.shared.spending import Limit, Spending, Spent, Window, decide

V = TypeVar("V")


class _Ending(Struct, Generic[V], frozen=True):
    value: V
    ends: float


class Expiring(Generic[V]):
    """A dictionary whose entries end; those that have ended are removed when there are `most`.

    Twice as many as were left may then come before it looks again.
    """

    def __init__(self, clock: Callable[[], float], most: int = 1024) -> None:
        self._clock = clock
        self._least = self._most = most
        self._entries: dict[str, _Ending[V]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> _Ending[V] | None:
        """Return an entry that has not ended."""
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
        """Remove an entry."""
        self._entries.pop(key, None)


class MemoryBackend:
    """A backend of this process alone: there are neither snapshots nor messages of others.

    Args:
        clock: Seconds on a monotonic clock.
    """

    keeps_snapshots = False
    losses = 0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: Expiring[Window] = Expiring(clock)
        self._leases: Expiring[dict[str, float]] = Expiring(clock)
        self._records: Expiring[bytes] = Expiring(clock)

    async def __aenter__(self) -> Self:
        """Do nothing."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Do nothing."""

    async def get(self, key: str) -> bytes | None:
        """Return the record under this key."""
        entry = self._records.get(key)
        return entry.value if entry else None

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Put a record in the place of the one before."""
        self._records.set(key, value, self._clock() + ttl_s)

    async def delete(self, key: str) -> None:
        """Delete a record."""
        self._records.pop(key)

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

    async def lease(
        self,
        key: str,
        ttl_s: float,
        most: int = 1,
        *,
        is_urgent: bool = True,  # noqa: ARG002  # never slow
    ) -> Lease | None:
        """Take one of `most` places."""
        now, entry = self._clock(), self._leases.get(key)
        taken = {token: ends for token, ends in (entry.value if entry else {}).items() if now < ends}
        if len(taken) >= most:
            return None
        lease = Lease(key, new_token())
        taken[lease.token] = now + ttl_s
        self._leases.set(key, taken, max(taken.values()))
        return lease

    async def extend(self, lease: Lease, ttl_s: float) -> None:
        """Let a lease that has not ended last for so long from now."""
        now, entry = self._clock(), self._leases.get(lease.key)
        if entry is not None and entry.value.get(lease.token, now) > now:
            taken = {**entry.value, lease.token: now + ttl_s}
            self._leases.set(lease.key, taken, max(taken.values()))

    async def release(self, lease: Lease) -> None:
        """End a lease."""
        entry = self._leases.get(lease.key)
        if entry is not None:
            entry.value.pop(lease.token, None)

    async def newest(self, *_: str) -> None:
        """Return None: there is no snapshot but this process's own."""

    async def put_snapshot(self, name: str, snapshot: Snapshot, seen: str) -> None:
        """Put nothing."""

    async def publish(self, *_: object) -> bool:
        """Return False: there is nobody to hear it."""
        return False

    def subscribe(self, name: str, on_message: OnMessage) -> None:
        """Do nothing: there is nobody to hear."""

    async def catch_up(self) -> None:
        """Do nothing: there is nobody to hear."""
