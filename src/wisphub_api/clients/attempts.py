"""The limits on failed identity checks, which keep callers from guessing a client's data."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from wisphub_api.shared.backend import Backend, digested
from wisphub_api.shared.spending import Limit, Spent

WINDOW_S: Final = 900.0
REMEMBERED: Final = 1_024
"""Callers and clients whose limits need not be made again."""


class FailedAttempts:
    """The counts of failed checks in 15 minutes, beyond which a caller gets no answers.

    The window of a count begins with its first failure.

    Args:
        backend: The store of the counts.
        most: How many failures for one client are answered.
        most_in_all: How many failures for all clients together are answered.
    """

    def __init__(self, backend: Backend, most: int, most_in_all: int) -> None:
        self._backend = backend
        self._most = most
        self._most_in_all = most_in_all
        self._limits = lru_cache(REMEMBERED)(self._limits_of)

    def spend_now(self, caller: str, service_id: int | None, *, has_failed: bool) -> Spent | None:
        """Do what `spend` does if the backend need not wait; otherwise do nothing and return None."""
        return self._backend.spend_now(self._limits(caller, service_id), int(has_failed))

    async def spend(self, caller: str, service_id: int | None, *, has_failed: bool) -> Spent:
        """Count a check before it is answered; if it is not granted, it must not be answered.

        A failure is counted and compared with both limits in one step, so that concurrent checks get no more
        answers than successive ones. A refused check is not counted: otherwise a caller who keeps failing for
        one client would be locked out for all. Once a limit is reached, correct data is refused too.

        Args:
            caller: The caller's name.
            service_id: The client that is checked; None if the check has to find the client.
            has_failed: Whether the data was wrong.
        """
        return await self._backend.spend(self._limits(caller, service_id), int(has_failed))

    def _limits_of(self, caller: str, service_id: int | None) -> list[Limit]:
        limits = [Limit(digested("failures", caller), self._most_in_all, WINDOW_S)]
        if service_id is not None:
            limits.append(Limit(digested("failures", caller, service_id), self._most, WINDOW_S))
        return limits
