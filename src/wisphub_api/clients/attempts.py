"""Failed identity checks, counted so that nobody can find out a client's data by guessing."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from wisphub_api.exceptions import TooManyAttempts
from wisphub_api.fleet.digests import digested
from wisphub_api.fleet.store import MemoryStore, Store

WINDOW_S: Final = 900.0
REMEMBERED: Final = 1_024
"""Keys that need not be made again; a check needs each twice."""


class FailedAttempts:
    """Keeps the answers from a caller whose checks have failed too often in 15 minutes.

    The window of a count begins with its first check.

    Args:
        store: Where the counts are.
        most: How many failures with one client are told.
        most_in_all: How many with all clients together.
    """

    def __init__(self, store: Store, most: int, most_in_all: int) -> None:
        self._store = store
        self._most = most
        self._most_in_all = most_in_all

    def would_admit(self, caller: str, service_id: int) -> bool:
        """Tell whether a check would be let through, and at once; False where that is not known at once."""
        if not isinstance(self._store, MemoryStore):
            return False
        in_all, with_one = _key(caller), _key(caller, service_id)
        return self._store.peek(in_all) < self._most_in_all and self._store.peek(with_one) < self._most

    async def admit(self, caller: str, service_id: int | None, *, has_failed: bool) -> None:
        """Count a check of which nothing has been told yet, or keep its answer back.

        A failure is counted and compared with the limit in one step: of many at once no more are told than
        of many in turn. Data that is right is kept back as well once the limit is reached.

        Args:
            caller: Who asks.
            service_id: Whose data it is said to be; None where that is to be found out.
            has_failed: Whether the data was wrong.

        Raises:
            TooManyAttempts: Too many have failed.
        """
        in_all = _key(caller)
        await self._take(in_all, self._most_in_all, int(has_failed))
        if service_id is None:
            return
        try:
            await self._take(_key(caller, service_id), self._most, int(has_failed))
        except TooManyAttempts:
            # Of one client's only so many count, or who goes on and on with that one locks out all others.
            await self._store.count(in_all, WINDOW_S, -int(has_failed))
            raise

    async def _take(self, key: str, most: int, amount: int) -> None:
        count = await self._store.count(key, WINDOW_S, amount)
        if count.used - amount >= most:
            detail = "Too many identity checks have failed. Try again later."
            raise TooManyAttempts(detail, retry_after_s=max(1.0, count.ends_s))


@lru_cache(REMEMBERED)
def _key(caller: str, service_id: int | None = None) -> str:
    return digested("failures", caller) if service_id is None else digested("failures", caller, service_id)
