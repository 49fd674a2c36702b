"""Counts, holds and notes in Redis; in another store while Redis cannot be asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from redis.asyncio import Redis

from wisphub_api.fleet.redis_link import Apart, RedisLink
from wisphub_api.fleet.seal import Seal, SealBroken
from wisphub_api.fleet.spending import Batches, Limit, Spending, Spent
from wisphub_api.fleet.store import Expiring, Hold, Store, new_token

_SPEND: Final = """
local results, key, argument = {}, 0, 1
while argument <= #ARGV do
  local amount, limits = tonumber(ARGV[argument]), tonumber(ARGV[argument + 1])
  local first, refused = nil, nil
  for limit = 1, limits do
    local name, most = KEYS[key + limit], tonumber(ARGV[argument + 2 * limit])
    local used, left = tonumber(redis.call('GET', name) or 0), redis.call('PTTL', name)
    if left < 0 then left = tonumber(ARGV[argument + 2 * limit + 1]) end
    first = first or {1, used + amount, left}
    if used + math.max(amount, 1) > most then
      refused = {0, used, left}
      break
    end
  end
  if amount > 0 and not refused then
    for limit = 1, limits do
      local name = KEYS[key + limit]
      if redis.call('INCRBY', name, amount) == amount then
        redis.call('PEXPIRE', name, ARGV[argument + 2 * limit + 1])
      end
    end
  end
  results[#results + 1] = refused or first
  key, argument = key + limits, argument + 2 + 2 * limits
end
return results
"""
_HOLD: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIRE', KEYS[1], last[2] - now + 1)
return 1
"""


ERASED: Final = b"erased"
"""What stands there for as long as the note would have: one that is missing may have been lost."""
ERASED_S: Final = 86_400.0
"""How long it is known that a note was taken away which Redis may still hold."""


class RedisStore:
    """A store that all processes share which use one Redis under one account of WispHub Net.

    What is noted while Redis cannot be asked, it is told when it can be.

    Args:
        link: The way to Redis.
        seal: Seals the notes.
        prefix: Begins every key.
        own: Stands in for it.
    """

    def __init__(self, link: RedisLink, seal: Seal, prefix: str, own: Store) -> None:
        self._link = link
        self._seal = seal
        self._prefix = prefix
        self._own = own
        self._batches = Batches(self._spend)
        self._untold: Expiring[bytes | None] = Expiring(time.monotonic)
        link.on_return(self._tell)

    async def spend(self, limits: Sequence[Limit], amount: int = 1) -> Spent:
        """Count an amount under all these limits, or nothing."""
        return await self._batches.add(Spending(limits, amount))

    def spend_now(self, limits: Sequence[Limit], amount: int = 1) -> None:
        """Return None: what others have counted has to be asked for."""

    async def hold(self, key: str, for_s: float, most: int = 1) -> Hold | None:
        """Take one of `most` places."""
        hold = Hold(key, new_token())
        try:
            is_held = await self._link.ask(
                lambda redis: _run(redis, _HOLD, self._name("hold", key), hold.token, most, _ms(for_s))
            )
        except Apart:
            return await self._own.hold(key, for_s, most)
        return hold if is_held else None

    async def release(self, hold: Hold) -> None:
        """Give a place back; where Redis cannot be asked, it ends by itself there."""
        await self._own.release(hold)
        try:
            await self._link.ask(lambda redis: redis.zrem(self._name("hold", hold.key), hold.token))
        except Apart:
            return

    async def read(self, key: str) -> bytes | None:
        """Give the note under this key."""
        name = self._name("note", key)
        sealed: Any = None
        with suppress(Apart):
            if self._untold.get(key) is None:
                sealed = await self._link.ask(lambda redis: redis.get(name))
        if sealed == ERASED:
            return None
        with suppress(SealBroken):
            return self._seal.open(sealed or b"", name)
        return await self._own.read(key)  # Redis may have lost it

    async def write(self, key: str, note: bytes, keep_s: float) -> None:
        """Leave a note; here, too, so that it is known when Redis is not there."""
        await self._own.write(key, note, keep_s)
        self._untold.set(key, note, time.monotonic() + keep_s)
        await self._tell_of(key)

    async def erase(self, key: str) -> None:
        """Take a note away."""
        await self._own.erase(key)
        self._untold.set(key, None, time.monotonic() + ERASED_S)
        await self._tell_of(key)

    async def close(self) -> None:
        """Let go of what stands in for Redis; the way to it is another's."""
        await self._batches.close()
        await self._own.close()

    async def _spend(self, batch: Sequence[Spending]) -> Iterable[Spent]:
        keys = [self._name("count", limit.key) for limits, _ in batch for limit in limits]
        values: list[int] = []
        for limits, amount in batch:
            values += (amount, len(limits))
            for limit in limits:
                values += (limit.most, _ms(limit.window_s))
        try:
            found: Any = await self._link.ask(lambda redis: redis.register_script(_SPEND)(keys, values))
        except Apart:
            return await asyncio.gather(*(self._own.spend(*spending) for spending in batch))
        return [Spent(bool(is_granted), used, left_ms / 1_000) for is_granted, used, left_ms in found]

    async def _tell(self) -> None:
        """Tell Redis of what was noted while it was away."""
        for key in self._untold:
            await self._tell_of(key)

    async def _tell_of(self, key: str) -> None:
        entry = self._untold.get(key)
        if entry is None:
            return
        try:
            await self._link.ask(self._noting(key, entry.value, entry.ends - time.monotonic()))
        except Apart:
            return
        if self._untold.get(key) is entry:
            self._untold.pop(key)

    def _noting(self, key: str, note: bytes | None, keep_s: float) -> Callable[[Redis], Awaitable[Any]]:
        name = self._name("note", key)
        if note is None:
            return lambda redis: redis.set(name, ERASED, xx=True, keepttl=True)
        sealed = self._seal.close(note, name)
        return lambda redis: redis.set(name, sealed, px=_ms(keep_s))

    def _name(self, kind: str, key: str) -> str:
        return f"{self._prefix}:{kind}:{self._seal.digest(key)}"


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1_000))


async def _run(redis: Redis, script: str, key: str, *values: str | int) -> list[int]:
    return await redis.eval(script, 1, key, *values)  # type: ignore[no-any-return]  # redis-py tells no types here
