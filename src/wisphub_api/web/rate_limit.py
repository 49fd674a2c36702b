"""How many requests a key has: counted in windows, told in every answer, refused with 429 past the limit.

The fields are those of draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy` tells the quota `q` and
its window `w` in seconds, `RateLimit` what remains `r` and for how many seconds `t`.
"""

from __future__ import annotations

import math
from typing import Final

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct

from wisphub_api.exceptions import TooManyRequests
from wisphub_api.shared.backend import Backend as Store
from wisphub_api.shared.backend import digested
from wisphub_api.shared.spending import Limit
from wisphub_api.web.auth import Wrap

POLICY: Final = "default"


class Quota(Struct, frozen=True):
    """What a caller has left after a request.

    Attributes:
        remaining: Requests.
        ends_s: Until the window ends, in seconds.
        is_granted: Whether the request is one of those allowed.
    """

    remaining: int
    ends_s: float
    is_granted: bool = True

    def field(self) -> str:
        """Give it as the `RateLimit` field."""
        return f'"{POLICY}";r={self.remaining};t={math.ceil(self.ends_s)}'


class RateLimit:
    """Counts the requests of each caller in windows that begin with its first request.

    Args:
        limit: Such as `600/minute`.
        store: Where the counts are; one that several processes share makes them one count.
    """

    def __init__(self, limit: str, store: Store) -> None:
        from limits import parse  # noqa: PLC0415  # takes a while to import: who has no limit need not wait

        item = parse(limit)
        self._limit = limit
        self._most = item.amount
        self._window_s = item.get_expiry()
        self._store = store
        self.policy = f'"{POLICY}";q={self._most};w={self._window_s}'

    async def take(self, caller: str) -> Quota:
        """Count a request and tell what is left."""
        limit = Limit(digested("requests", self._limit, caller), self._most, self._window_s)
        spent = await self._store.spend([limit])
        return Quota(self._most - spent.used, spent.ends_s, spent.is_granted)


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
            if not quota.is_granted:
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
