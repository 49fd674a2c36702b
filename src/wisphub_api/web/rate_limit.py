"""How many requests a key has: counted in windows, told in every answer, refused with 429 past the limit.

The fields are those of draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy` tells the quota `q` and
its window `w` in seconds, `RateLimit` what remains `r` and for how many seconds `t`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from limits import parse
from limits.aio.storage import Storage
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct

from wisphub_api.exceptions import TooManyRequests
from wisphub_api.web.auth import Wrap

POLICY: Final = "default"


class Quota(Struct, frozen=True):
    """What a caller has left after a request.

    Attributes:
        remaining: Requests; below 0 where there were more than allowed.
        ends_s: Until the window ends, in seconds.
    """

    remaining: int
    ends_s: float

    def field(self) -> str:
        """Give it as the `RateLimit` field."""
        return f'"{POLICY}";r={max(0, self.remaining)};t={math.ceil(self.ends_s)}'


class RateLimit:
    """Counts the requests of each caller in windows that begin with its first request.

    Args:
        limit: Such as `600/minute`.
        storage: Where the counts are; one that several processes share makes them one count.
        clock: Seconds since the epoch, as `storage` tells its windows' ends.
    """

    def __init__(self, limit: str, storage: Storage, clock: Callable[[], float] = time.time) -> None:
        self._item = parse(limit)
        self._window_s = self._item.get_expiry()
        self._storage = storage
        self._clock = clock
        self.policy = f'"{POLICY}";q={self._item.amount};w={self._window_s}'

    async def take(self, caller: str) -> Quota:
        """Count a request and tell what is left."""
        key = self._item.key_for(caller)
        used = await self._storage.incr(key, self._window_s)
        ends_s = await self._storage.get_expiry(key) - self._clock()
        return Quota(self._item.amount - used, min(max(0.0, ends_s), self._window_s))


def limiting_rate(limit: RateLimit) -> Wrap:
    """Make the middleware that counts what a named caller asks; it comes after the one that names them.

    Raises:
        TooManyRequests: The caller has used up the limit.
    """
    policy = (b"ratelimit-policy", limit.policy.encode())

    def wrap(app: ASGIApp) -> ASGIApp:
        async def limited(scope: Scope, receive: Receive, send: Send) -> None:
            caller = scope.get("user")
            if caller is None:  # a route that is open to all
                await app(scope, receive, send)
                return
            quota = await limit.take(caller)
            if quota.remaining < 0:
                raise refusal(limit, quota)
            told = [policy, (b"ratelimit", quota.field().encode())]

            async def send_with_quota(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], *told]
                await send(message)

            await app(scope, receive, send_with_quota)

        return limited

    return wrap


def refusal(limit: RateLimit, quota: Quota) -> TooManyRequests:
    """Say that there are no more requests in this window."""
    return TooManyRequests(
        "This API key has used up its requests for now. Try again when Retry-After says.",
        retry_after_s=max(1.0, quota.ends_s),
        quota={"RateLimit-Policy": limit.policy, "RateLimit": quota.field()},
    )
