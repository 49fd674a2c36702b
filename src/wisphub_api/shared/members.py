"""How many processes share WispHub Net's budget: each says every few seconds that it is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Self

from wisphub_api.shared.backend import new_token
from wisphub_api.shared.redis_link import LONGEST_TRY_S, UNHURRIED_S, Degraded, RedisLink
from wisphub_api.shared.tasks import end, for_ever

SAY_EVERY_S: Final = 2.0
GONE_AFTER_S: Final = 10.0

_SAY: Final = """
local now = tonumber(redis.call('TIME')[1])
local is_new = redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return {redis.call('ZCARD', KEYS[1]), is_new}
"""


class Members:
    """Says that this process is there, as an async context, and tells how many are.

    When Redis has been away, or has lost what it knew, the others may still have to come back: until all
    must have, there are believed to be as many as before.

    Args:
        link: The way to Redis.
        key: Where all say it.
        tell: Is told the number whenever it was counted.
        clock: Seconds on a monotonic clock.
    """

    def __init__(
        self,
        link: RedisLink,
        key: str,
        tell: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._key = key
        self._tell = tell
        self._clock = clock
        self._count = 0
        self._all_are_back_at = float("-inf")
        self._me = new_token()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Say it for the first time, before anything is asked of WispHub Net."""
        await self._say()
        self._task = asyncio.create_task(for_ever(self._say_later, "members"), name="members")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take leave."""
        if self._task is not None:
            await end(self._task)
        with suppress(Degraded):
            await self._link.ask(lambda redis: redis.zrem(self._key, self._me), UNHURRIED_S)

    async def _say(self) -> None:
        try:
            said: Any = await self._link.ask(
                lambda redis: redis.eval(_SAY, 1, self._key, self._me, round(GONE_AFTER_S)), UNHURRIED_S
            )
        except Degraded:
            self._wait_for_others()
            return
        count, is_new = map(int, said)
        if is_new:
            self._wait_for_others()
        is_certain = self._clock() >= self._all_are_back_at
        self._count = count if is_certain else max(count, self._count)
        self._tell(self._count)

    def _wait_for_others(self) -> None:
        self._all_are_back_at = self._clock() + LONGEST_TRY_S + SAY_EVERY_S

    async def _say_later(self) -> None:
        await asyncio.sleep(SAY_EVERY_S)
        await self._say()
