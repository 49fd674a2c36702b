"""Failed identity checks, counted so that nobody can find out a client's data by guessing."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from wisphub_api.exceptions import TooManyAttempts
from wisphub_api.shared.backend import Backend as Store
from wisphub_api.shared.backend import digested
from wisphub_api.shared.memory import MemoryBackend as MemoryStore
from wisphub_api.shared.spending import Limit

WINDOW_S: Final = 900.0
REMEMBERED: Final = 1_024
"""Keys that need not be made again; a check needs each twice."""


class FailedAttempts:
    """Keeps the answers from a caller whose checks have failed too often in 15 minutes.

    The window of a count begins with its first failure.

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
        return self._store.spend_now(self._limits(caller, service_id), 0).is_granted

    async def admit(self, caller: str, service_id: int | None, *, has_failed: bool) -> None:
        """Count a check of which nothing has been told yet, or keep its answer back.

        A failure is counted and compared with both limits in one step: of many at once no more are told than
        of many in turn. What is kept back counts nowhere, or who goes on and on with one client would be
        locked out with all others. Data that is right is kept back as well once a limit is reached.

        Args:
            caller: Who asks.
            service_id: Whose data it is said to be; None where that is to be found out.
            has_failed: Whether the data was wrong.

        Raises:
            TooManyAttempts: Too many have failed.
        """
        spent = await self._store.spend(self._limits(caller, service_id), int(has_failed))
        if not spent.is_granted:
            detail = "Too many identity checks have failed. Try again later."
            raise TooManyAttempts(detail, retry_after_s=max(1.0, spent.ends_s))

    def _limits(self, caller: str, service_id: int | None) -> list[Limit]:
        limits = [Limit(_key(caller), self._most_in_all, WINDOW_S)]
        if service_id is not None:
            limits.append(Limit(_key(caller, service_id), self._most, WINDOW_S))
        return limits


@lru_cache(REMEMBERED)
def _key(caller: str, service_id: int | None = None) -> str:
    return digested("failures", caller) if service_id is None else digested("failures", caller, service_id)
