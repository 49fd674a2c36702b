"""Redis, for the processes of all machines; another backend stands in for it while it cannot be asked.

A stream (rather than pub/sub) keeps the messages: who was away hears them afterwards, in their order. A new
snapshot is a message, too. A mark that is lost with all else shows that Redis is not the one that it was:
then everything is put and published again.

Snapshots go to the stand-in as well, so that the folder of a machine, where there is one, has them when Redis
does not; while it is away they also tell the machine's other processes what was written. Redis gets that when
it is back, and leases that have ended meanwhile end there then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, Self

from msgspec.structs import replace
from redis.asyncio import Redis

from wisphub_api.shared.backend import (
    LONGEST_LEASE_S,
    MOST_MESSAGES,
    Backend,
    Lease,
    OnMessage,
    Snapshot,
    Stored,
    new_token,
)
from wisphub_api.shared.memory import Expiring
from wisphub_api.shared.redis_link import COPY_S, UNHURRIED_S, Degraded, RedisLink
from wisphub_api.shared.spending import CLOCKS_DIFFER_S, Batches, Limit, Spending, Spent
from wisphub_api.shared.tasks import end, for_ever

LISTEN_S: Final = 2.0
"""How long the stream is listened to before it is seen whether Redis is the one that it was."""
AT_ONCE: Final = 1_000
"""How many messages are read at once."""
DELETED: Final = b"deleted"
"""What stands there for as long as the record would have: one that is missing may have been lost."""
DELETED_S: Final = 86_400.0
"""How long it is known that a record was deleted which Redis may still have."""

# Answers in one text: redis-py takes longer to read a list of numbers than Redis to count.
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
  results[#results + 1] = table.concat(refused or first, ' ')
  key, argument = key + limits, argument + 2 + 2 * limits
end
return table.concat(results, ',')
"""
_NOW: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
"""
_EXPIRE: Final = """
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIRE', KEYS[1], last[2] - now + 1)
return 1
"""
_LEASE: Final = f"""{_NOW}
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1]) {_EXPIRE}"""
_EXTEND: Final = f"""{_NOW}
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1]) {_EXPIRE}"""
_PUT: Final = """
local there = redis.call('HMGET', KEYS[1], 'loaded_at', 'tag', 'content_tag')
local loaded_at, future = tonumber(ARGV[1]), tonumber(ARGV[7])
if there[1] then
  local other = tonumber(there[1])
  if other > loaded_at and other < future then return 'refused' end
  if other == loaded_at and there[2] ~= ARGV[3] then return 'refused' end
end
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'content', ARGV[6])
elseif there[3] ~= ARGV[5] then return 'content' end
redis.call('HSET', KEYS[1], 'loaded_at', ARGV[1], 'tag', ARGV[2], 'head', ARGV[4], 'content_tag', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[8])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[9], '*', 'name', ARGV[10], 'by', ARGV[11])
return 'put'
"""


class RedisBackend:
    """What the processes share that use one Redis under one account of WispHub Net.

    Args:
        link: The way to Redis, which is opened and closed by others.
        prefix: Begins every key.
        keep_s: How long a snapshot is of use, in seconds.
        stand_in: Is used while Redis cannot be asked; it is opened and closed with this one.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        link: RedisLink,
        prefix: str,
        keep_s: float,
        stand_in: Backend,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._link = link
        self._prefix = prefix
        self._keep_ms = _ms(keep_s)
        self._stand_in = stand_in
        self._clock = clock
        self._me = new_token()
        self._batches = Batches(self._spend)
        self._unwritten: Expiring[bytes | None] = Expiring(time.monotonic)
        """The records that Redis does not have yet; None where one was deleted."""
        self._ended: Expiring[str] = Expiring(time.monotonic)
        """The keys of leases that have ended while Redis could not be asked, by their tokens."""
        self._subscribers: dict[str, OnMessage] = {}
        self._position = "0"
        self._epoch: bytes | None = None
        self._looked_at = float("-inf")
        self._has_missed_a_snapshot = False
        self._losses = 0
        self._listener: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        link.on_return(self._write_unwritten)

    @property
    def keeps_snapshots(self) -> bool:
        """Whether a snapshot can be put at the moment."""
        return self._is_connected or self._stand_in.keeps_snapshots

    @property
    def losses(self) -> int:
        """How often Redis, or what stands in for it, was found without what should be there."""
        return self._losses + self._stand_in.losses

    @property
    def _is_connected(self) -> bool:
        return self._link.state().state == "together"

    async def __aenter__(self) -> Self:
        """Begin to hear messages, from the first that the stream holds."""
        await self._stand_in.__aenter__()
        self._listener = asyncio.create_task(
            for_ever(self._listen, "messages in Redis"), name="messages in Redis"
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hear no more; the way to Redis stays open."""
        if self._listener is not None:
            await end(self._listener)
        await asyncio.gather(*self._tasks)
        await self._batches.close()
        await self._stand_in.__aexit__()

    async def get(self, key: str) -> bytes | None:
        """Return the record under this key."""
        found: Any = None
        with suppress(Degraded):
            if self._unwritten.get(key) is None:
                found = await self._link.ask(lambda redis: redis.get(self._name("record", key)))
        if found is None:
            return await self._stand_in.get(key)  # Redis may have lost it
        return None if found == DELETED else bytes(found)

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Put a record; in what stands in, too, so that it is known when Redis is not there."""
        await self._stand_in.put(key, value, ttl_s)
        self._unwritten.set(key, value, time.monotonic() + ttl_s)
        await self._write(key)

    async def delete(self, key: str) -> None:
        """Delete a record."""
        await self._stand_in.delete(key)
        self._unwritten.set(key, None, time.monotonic() + DELETED_S)
        await self._write(key)

    async def spend(self, limits: Sequence[Limit], amount: int = 1) -> Spent:
        """Count an amount under all these limits, or nothing."""
        return await self._batches.add(Spending(limits, amount))

    def spend_now(self, limits: Sequence[Limit], amount: int = 1) -> None:
        """Return None: what others have counted has to be waited for."""

    async def lease(self, key: str, ttl_s: float, most: int = 1, *, is_urgent: bool = True) -> Lease | None:
        """Take one of `most` places."""
        lease = Lease(key, new_token())
        keys, values = [self._name("lease", key)], (lease.token, _ms(ttl_s), most)
        ended, is_asked = time.monotonic() + ttl_s, self._is_connected
        try:
            is_taken = await self._ask(_LEASE, keys, *values, within_s=None if is_urgent else UNHURRIED_S)
        except Degraded:
            if is_asked:  # Redis may take it too late
                self._ended.set(lease.token, key, ended)
            return await self._stand_in.lease(key, ttl_s, most)
        except asyncio.CancelledError:
            self._ended.set(lease.token, key, ended)
            task = asyncio.create_task(self._end_leases(), name="end a lease")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            raise
        return lease if is_taken else None

    async def extend(self, lease: Lease, ttl_s: float) -> None:
        """Let a lease that has not ended last for so long from now."""
        await self._stand_in.extend(lease, ttl_s)
        with suppress(Degraded):
            await self._ask(_EXTEND, [self._name("lease", lease.key)], lease.token, _ms(ttl_s))

    async def release(self, lease: Lease) -> None:
        """End a lease; in Redis as soon as it can be asked."""
        await self._stand_in.release(lease)
        self._ended.set(lease.token, lease.key, time.monotonic() + LONGEST_LEASE_S)
        await self._end_leases()

    async def newest(self, name: str, seen: str, known_content: str) -> Stored | None:
        """Return Redis' snapshot, or that of what stands in where Redis has none."""
        of_redis, of_stand_in = _tags(seen)
        found = await self._newest(name, of_redis, known_content)
        if found is not None:
            return replace(found, tag=f"{found.tag} {of_stand_in}")
        if of_redis and self._is_connected:
            return None  # what stands in has no newer one
        other = await self._stand_in.newest(name, of_stand_in, known_content)
        return replace(other, tag=f"{of_redis} {other.tag}") if other else None

    async def put_snapshot(self, name: str, snapshot: Snapshot, seen: str) -> str | None:
        """Put a snapshot to Redis and to what stands in; None where neither takes it.

        What stands in gets none that Redis has refused: another process has put one, which is to be seen
        first.
        """
        of_redis, of_stand_in = _tags(seen)
        new = None
        try:
            new = await self._put_snapshot(name, snapshot, of_redis)
            if new is None:
                return None
        except Degraded:
            self._has_missed_a_snapshot = True
        other = await self._stand_in.put_snapshot(name, snapshot, of_stand_in)
        return f"{new or of_redis} {other or of_stand_in}" if new or other else None

    async def publish(self, name: str, message: bytes, at: float) -> bool:
        """Send a message to all other processes; while Redis cannot be asked, to none."""
        entry: dict[Any, Any] = {"name": name, "by": self._me, "message": message, "at": repr(at)}
        try:
            await self._link.ask(
                lambda redis: redis.xadd(self._stream, entry, maxlen=MOST_MESSAGES, approximate=True),
                UNHURRIED_S,
            )
        except Degraded:
            return False
        return True

    def subscribe(self, name: str, on_message: OnMessage) -> None:
        """Call `on_message` with what other processes publish."""
        self._subscribers[name] = on_message
        self._stand_in.subscribe(name, on_message)

    async def catch_up(self) -> None:
        """Hear everything that was published up to now."""
        with suppress(Degraded):
            while await self._hear_more(None) == AT_ONCE:
                pass
        await self._stand_in.catch_up()

    async def _spend(self, batch: Sequence[Spending]) -> Iterable[Spent]:
        keys = [self._name("window", limit.key) for limits, _ in batch for limit in limits]
        values: list[int] = []
        for limits, amount in batch:
            values += (amount, len(limits))
            for limit in limits:
                values += (limit.most, _ms(limit.window_s))
        try:
            found = await self._ask(_SPEND, keys, *values)
        except Degraded:
            return await asyncio.gather(*(self._stand_in.spend(*spending) for spending in batch))
        outcomes = (map(int, outcome.split()) for outcome in found.split(b","))
        return [Spent(bool(is_granted), used, left_ms / 1_000) for is_granted, used, left_ms in outcomes]

    async def _write_unwritten(self) -> None:
        """Write what Redis has not heard of while it was away."""
        for key in self._unwritten:
            await self._write(key)
        await self._end_leases()

    async def _write(self, key: str) -> None:
        entry = self._unwritten.get(key)
        if entry is None:
            return
        name, value, ttl_ms = self._name("record", key), entry.value, _ms(entry.ends - time.monotonic())
        try:
            if value is None:
                await self._link.ask(lambda redis: redis.set(name, DELETED, xx=True, keepttl=True))
            else:
                await self._link.ask(lambda redis: redis.set(name, value, px=ttl_ms))
        except Degraded:
            return
        if self._unwritten.get(key) is entry:
            self._unwritten.pop(key)

    async def _end_leases(self) -> None:
        """End the leases that have ended here, in Redis too: the others wait for them."""
        for token in self._ended:
            ended = self._ended.get(token)
            if ended is None:
                continue
            name = self._name("lease", ended.value)
            try:
                await self._link.ask(partial(_remove, key=name, token=token))
            except Degraded:
                return
            self._ended.pop(token)

    async def _newest(self, name: str, seen: str, known_content: str) -> Stored | None:
        key, fields = self._snapshot(name), ["tag", "head", "content_tag"]
        found: Any
        try:
            found = await self._link.ask(lambda redis: redis.hmget(key, fields), UNHURRIED_S)
            tag, head, content_tag = found
            if tag is None or tag.decode() == seen:
                return None
            if content_tag.decode() == known_content:
                return Stored(tag.decode(), head, known_content, None)
            found = await self._link.ask(lambda redis: redis.hmget(key, [*fields, "content"]), COPY_S)
        except Degraded:
            return None
        tag, head, content_tag, content = found
        return Stored(tag.decode(), head, content_tag.decode(), content) if all(found) else None

    async def _put_snapshot(self, name: str, snapshot: Snapshot, seen: str) -> str | None:
        tag, keys = new_token(), [self._snapshot(name), self._stream]
        first = (snapshot.loaded_at, tag, seen, snapshot.head, snapshot.content_tag)
        rest = (self._clock() + CLOCKS_DIFFER_S, self._keep_ms, MOST_MESSAGES, name, self._me)
        outcome = await self._ask(_PUT, keys, *first, b"", *rest, within_s=COPY_S)
        if outcome == b"content":
            content = await snapshot.content()
            outcome = await self._ask(_PUT, keys, *first, content, *rest, within_s=COPY_S)
        return tag if outcome == b"put" else None

    async def _listen(self) -> None:
        try:
            await self._hear_more(LISTEN_S)
            if asyncio.get_running_loop().time() < self._looked_at + LISTEN_S:
                return
            await self._end_leases()
            await self._find_losses()
        except Degraded:
            await asyncio.sleep(LISTEN_S)
        self._looked_at = asyncio.get_running_loop().time()
        for on_message in self._subscribers.values():
            on_message(None, 0.0)

    async def _find_losses(self) -> None:
        """Find out whether Redis is the one that it was, by a mark which goes with all that it knows."""
        await self._link.ask(lambda redis: redis.set(self._mark, new_token(), nx=True), UNHURRIED_S)
        epoch: Any = await self._link.ask(lambda redis: redis.get(self._mark), UNHURRIED_S)
        if self._epoch not in (None, epoch):
            self._has_missed_a_snapshot = True
            self._position = "0"
        self._losses += self._has_missed_a_snapshot
        self._epoch, self._has_missed_a_snapshot = epoch, False

    async def _hear_more(self, wait_s: float | None) -> int:
        """Read the stream on from where it was last read; wait for something to come, or not."""
        block_ms = None if wait_s is None else round(wait_s * 1_000)
        found: Any = await self._link.ask(
            lambda redis: redis.xread({self._stream: self._position}, count=AT_ONCE, block=block_ms),
            (wait_s or 0.0) + UNHURRIED_S,
        )
        for _, entries in found or ():
            for entry_id, entry in entries:
                if _order(entry_id.decode()) > _order(self._position):  # the other reader may have had it
                    self._position = entry_id.decode()
                    self._pass_on(entry)
        return sum(len(entries) for _, entries in found or ())

    def _pass_on(self, entry: dict[bytes, bytes]) -> None:
        on_message = self._subscribers.get(entry[b"name"].decode())
        if on_message is not None and entry[b"by"].decode() != self._me:
            on_message(entry.get(b"message"), float(entry.get(b"at", 0)))

    async def _ask(
        self, script: str, keys: Sequence[str], *values: str | bytes | float, within_s: float | None = None
    ) -> Any:
        return await self._link.ask(lambda redis: _run(redis, script, keys, values), within_s)

    def _name(self, kind: str, key: str) -> str:
        return f"{self._prefix}:{kind}:{key}"

    def _snapshot(self, name: str) -> str:
        return f"{self._prefix}:snapshot:{name}"

    @property
    def _mark(self) -> str:
        return f"{self._prefix}:mark"

    @property
    def _stream(self) -> str:
        return f"{self._prefix}:messages"


async def _remove(redis: Redis, key: str, token: str) -> None:
    await redis.zrem(key, token)


async def _run(redis: Redis, script: str, keys: Sequence[str], values: Sequence[str | bytes | float]) -> Any:
    return await redis.register_script(script)(keys, values)


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1_000))


def _tags(tag: str) -> tuple[str, str]:
    """Return the tags of Redis' snapshot and of the one of what stands in for it."""
    of_redis, _, of_stand_in = tag.partition(" ")
    return of_redis, of_stand_in


def _order(entry_id: str) -> tuple[int, int]:
    ms, _, number = entry_id.partition("-")
    return int(ms), int(number or 0)
