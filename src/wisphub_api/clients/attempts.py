"""Failed identity checks, counted so that nobody can find out a client's data by guessing."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from wisphub_api.shared.backend import Backend, digested
from wisphub_api.shared.spending import Limit, Spent

WINDOW_S: Final = 900.0
REMEMBERED: Final = 1_024
"""Keys that need not be made again; a check needs each twice."""


class FailedAttempts:
    """Keeps the answers from a caller whose checks have failed too often in 15 minutes.

    The window of a count begins with its first failure.

    Args:
        backend: Where the counts are.
        most: How many failures with one client are answered.
        most_in_all: How many with all clients together.
    """

    def __init__(self, backend: Backend, most: int, most_in_all: int) -> None:
        self._backend = backend
        self._most = most
        self._most_in_all = most_in_all

    def spend_now(self, caller: str, service_id: int | None, *, has_failed: bool) -> Spent | None:
        """Do what `spend` does where it is done without waiting; do nothing and return None elsewhere."""
        return self._backend.spend_now(self._limits(caller, service_id), int(has_failed))

    async def spend(self, caller: str, service_id: int | None, *, has_failed: bool) -> Spent:
        """Count a check of which nothing has been said yet; where it is not granted, nothing may be.

        A failure is counted and compared with both limits in one step: of many at once no more are answered
        than of many in turn. What is refused counts nowhere, or who goes on and on with one client would be
        locked out with all others. Data that is right is refused as well once a limit is reached.

        Args:
            caller: Who asks.
            service_id: Whose data it is said to be; None where that is to be found out.
            has_failed: Whether the data was wrong.
        """
        return await self._backend.spend(self._limits(caller, service_id), int(has_failed))

    def _limits(self, caller: str, service_id: int | None) -> list[Limit]:
        limits = [Limit(_key(caller), self._most_in_all, WINDOW_S)]
        if service_id is not None:
            limits.append(Limit(_key(caller, service_id), self._most, WINDOW_S))
        return limits


@lru_cache(REMEMBERED)
def _key(caller: str, service_id: int | None = None) -> str:
    return digested("failures", caller) if service_id is None else digested("failures", caller, service_id)
