"""How many requests a caller has: counted in windows, said in every answer, refused with 429 past the limit.

The fields are those of draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy` holds the quota `q` and
its window `w` in seconds, `RateLimit` what remains `r` and for how many seconds `t`.

The count is spent in blocks: up to a hundredth of the limit is taken from it at once, and counted down here.
So, where several processes share a count, a request waits for it once in a block. Never more requests are let
through than the limit says; a caller may be refused up to a block early for each other process, which holds
what is left of its own. Of a limit below 200 each request is taken alone, and so are those that come while a
block is being waited for: each would bring a block of its own.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from msgspec import Struct

from wisphub_api.exceptions import TooManyRequests
from wisphub_api.shared.backend import Backend, digested
from wisphub_api.shared.memory import Expiring
from wisphub_api.shared.spending import Limit, Spent

POLICY: Final = b"default"
BLOCKS: Final = 100
"""Into so many blocks a limit is divided."""
REMEMBERED_CALLERS: Final = 1_024
"""Callers whose key in the store need not be made again."""


class Quota(Struct, frozen=True):
    """What a caller has left after a request.

    Attributes:
        remaining: Requests.
        ends_s: Until the window ends, in seconds.
        is_granted: Whether the request is within the limit.
    """

    remaining: int
    ends_s: float
    is_granted: bool = True

    def field(self) -> bytes:
        """Return it as the `RateLimit` field."""
        return b'"%b";r=%d;t=%d' % (POLICY, self.remaining, math.ceil(self.ends_s))


class _Block:
    """Requests that were taken from the shared count and are not spent yet."""

    __slots__ = ("ends", "left", "remaining")

    def __init__(self, left: int, remaining: int, ends: float) -> None:
        self.left = left
        self.remaining = remaining
        self.ends = ends


class RateLimit:
    """Counts the requests of each caller in windows that begin with its first request.

    Args:
        limit: Such as `600/minute`.
        backend: Where the counts are; one that several processes share makes them one count.
        clock: Seconds on a monotonic clock.
    """

    def __init__(self, limit: str, backend: Backend, clock: Callable[[], float] = time.monotonic) -> None:
        from limits import parse  # noqa: PLC0415  # takes a while to import: who has no limit need not wait

        item = parse(limit)
        self._name = limit
        self._most = item.amount
        self._window_s = item.get_expiry()
        self._backend = backend
        self._clock = clock
        self._sizes = tuple(dict.fromkeys((max(1, self._most // BLOCKS), 1)))
        self._blocks: Expiring[_Block] = Expiring(clock)
        self._waiting: set[str] = set()
        self._limit = lru_cache(REMEMBERED_CALLERS)(self._limit_of)
        self.policy = b'"%b";q=%d;w=%d' % (POLICY, self._most, self._window_s)
        self.policy_line = b"ratelimit-policy: %b\r\n" % self.policy

    def take_now(self, caller: str) -> Quota | None:
        """Count a request and return what is left; None where the shared count has to be waited for."""
        entry = self._blocks.get(caller)
        if entry is not None and entry.value.left:
            return self._next_of(entry.value)
        limits = [self._limit(caller)]
        for size in self._sizes:
            spent = self._backend.spend_now(limits, size)
            if spent is None or spent.is_granted:
                break
        return None if spent is None else self._quota(caller, spent, size)

    async def take(self, caller: str) -> Quota:
        """Count a request and return what is left."""
        quota = self.take_now(caller)
        if quota is not None:
            return quota
        if caller in self._waiting:
            return self._quota(caller, await self._backend.spend([self._limit(caller)], 1), 1)
        self._waiting.add(caller)
        try:
            return await self._take_block(caller)
        finally:
            self._waiting.discard(caller)

    async def _take_block(self, caller: str) -> Quota:
        limits = [self._limit(caller)]
        for size in self._sizes:
            spent = await self._backend.spend(limits, size)
            if spent.is_granted:
                break
        return self._quota(caller, spent, size)

    def fields(self, quota: Quota) -> list[tuple[bytes, bytes]]:
        """Return the header fields that say what is left."""
        return [(b"ratelimit-policy", self.policy), (b"ratelimit", quota.field())]

    def check(self, quota: Quota) -> None:
        """Refuse a request beyond the limit.

        Raises:
            TooManyRequests: There are no more requests in this window.
        """
        if not quota.is_granted:
            raise TooManyRequests(
                "This API key has used up its requests for now. Try again when Retry-After says.",
                retry_after_s=max(1.0, quota.ends_s),
            )

    def _quota(self, caller: str, spent: Spent, size: int) -> Quota:
        """Return what is left after the first request of a block, or of none where it was refused."""
        remaining = self._most - spent.used
        if not spent.is_granted:
            return Quota(max(0, remaining), spent.ends_s, is_granted=False)
        block = _Block(size, remaining + size, self._clock() + spent.ends_s)
        if size > 1:
            self._blocks.set(caller, block, block.ends)
        return self._next_of(block)

    def _next_of(self, block: _Block) -> Quota:
        block.left -= 1
        block.remaining -= 1
        return Quota(block.remaining, block.ends - self._clock())

    def _limit_of(self, caller: str) -> Limit:
        return Limit(digested("requests", self._name, caller), self._most, self._window_s)
