"""Failed identity checks, counted per client and caller."""

from __future__ import annotations

import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from wisphub_api.exceptions import TooManyAttempts

WINDOW_MIN = 15


class FailedAttempts:
    """Refuses further checks of a client by a caller who has failed too often in 15 minutes.

    Args:
        most: How many failures are let pass.
    """

    def __init__(self, most: int) -> None:
        self._limit = RateLimitItemPerMinute(most, WINDOW_MIN)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def check(self, caller: str, service_id: int) -> None:
        """Let a check pass.

        Raises:
            TooManyAttempts: Too many have failed.
        """
        if await self._limiter.test(self._limit, caller, str(service_id)):
            return
        window = await self._limiter.get_window_stats(self._limit, caller, str(service_id))
        raise TooManyAttempts(
            "Too many checks of this client have failed. Try again later.",
            retry_after_s=max(1.0, window.reset_time - time.time()),
        )

    async def record(self, caller: str, service_id: int) -> None:
        """Count one failure."""
        await self._limiter.hit(self._limit, caller, str(service_id))
