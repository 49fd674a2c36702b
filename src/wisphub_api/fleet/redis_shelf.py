"""Redis as the shelf of all processes of a provider: copies, turns, and a stream of what has changed.

The stream (rather than pub/sub) keeps what it has told: who was away hears it afterwards, in its order. A new
copy is told by its tag; should the stream itself be lost, a look at the tags every few seconds finds it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final, Self

from redis.asyncio import Redis

from wisphub_api.fleet.redis_link import COPY_S, UNHURRIED_S, Apart, RedisLink
from wisphub_api.fleet.shelf import Hear, Sealed, Stored
from wisphub_api.fleet.spending import CLOCKS_DIFFER_S
from wisphub_api.fleet.store import Expiring, new_token
from wisphub_api.fleet.tasks import end, for_ever

LISTEN_S: Final = 2.0
"""How long the stream is listened to before the tags are looked at."""
TURN_S: Final = 20.0
"""A turn ends so long after its process was last heard of."""
AT_ONCE: Final = 1_000
"""How many changes are read at once."""
MOST_CHANGES: Final = 10_000
"""How many changes the stream keeps, about; a newcomer needs those since the newest copy was loaded."""

_PUT: Final = """
local there = redis.call('HMGET', KEYS[1], 'loaded_at', 'tag')
local loaded_at, future = tonumber(ARGV[1]), tonumber(ARGV[5])
if there[1] then
  local other = tonumber(there[1])
  if other > loaded_at and other < future then return false end
  if other == loaded_at and there[2] ~= ARGV[3] then return false end
end
redis.call('HSET', KEYS[1], 'loaded_at', ARGV[1], 'tag', ARGV[2], 'content', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[7], '*', 'name', ARGV[8], 'by', ARGV[9])
return ARGV[2]
"""
_END_TURN: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end"
_KEEP_TURN: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
"""


class RedisShelf:
    """Copies in Redis, as an async context.

    Args:
        link: The way to Redis.
        prefix: Begins every key.
        keep_s: How long a copy is of use, in seconds.
        wall: Seconds since the epoch.

    Attributes:
        losses: How often Redis was found without what had been put there, or had been to be put.
    """

    tells = True

    def __init__(
        self, link: RedisLink, prefix: str, keep_s: float, wall: Callable[[], float] = time.time
    ) -> None:
        self._link = link
        self._prefix = prefix
        self._keep_ms = round(keep_s * 1_000)
        self._wall = wall
        self._me = new_token()
        self._hears: dict[str, Hear] = {}
        self._ended: Expiring[str] = Expiring(time.monotonic)
        """The keys of turns that Redis may hold for running, by their tokens, until it drops them itself."""
        self._position = "0"
        self._epoch: bytes | None = None
        self._looked_at = float("-inf")
        self._has_missed_a_copy = False
        self.losses = 0
        self._listener: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to listen to what other processes tell; all that the stream holds at first."""
        self._listener = asyncio.create_task(
            for_ever(self._listen, "changes in Redis"), name="changes in Redis"
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Listen no longer."""
        if self._listener is not None:
            await end(self._listener)

    @property
    def is_reachable(self) -> bool:
        """Whether Redis is asked at all."""
        return self._link.state().state == "together"

    def listen(self, name: str, hear: Hear) -> None:
        """Let `hear` be told of what other processes do."""
        self._hears[name] = hear

    async def catch_up(self) -> None:
        """Let all be told what other processes have done up to now."""
        with suppress(Apart):
            while await self._hear_more(None) == AT_ONCE:
                pass

    async def newest(self, name: str, seen: str) -> Stored | None:
        """Give the copy, unless it is the one whose tag was `seen`."""
        try:
            tag: Any = await self._link.ask(lambda redis: redis.hget(self._copy(name), "tag"), UNHURRIED_S)
            if tag is None or tag.decode() == seen:
                return None
            found: Any = await self._link.ask(
                lambda redis: redis.hmget(self._copy(name), ["tag", "content"]), within_s=COPY_S
            )
        except Apart:
            return None
        return Stored(found[0].decode(), found[1]) if all(found) else None

    async def put(self, name: str, copy: Sealed, seen: str) -> str | None:
        """Put a copy there and tell of it; None where a newer one is, or Redis cannot be asked."""
        keys = (self._copy(name), self._stream)
        values = (copy.loaded_at, new_token(), seen, copy.content, self._wall() + CLOCKS_DIFFER_S)
        rest = (self._keep_ms, MOST_CHANGES, name, self._me)
        try:
            tag: Any = await self._link.ask(
                lambda redis: redis.eval(_PUT, 2, *keys, *values, *rest), within_s=COPY_S
            )
        except Apart:
            self._has_missed_a_copy = True
            return None
        return tag.decode() if tag else None

    async def tell(self, name: str, change: bytes, at: float) -> bool:
        """Tell other processes what was written."""
        told: dict[Any, Any] = {"name": name, "by": self._me, "change": change, "at": repr(at)}
        try:
            await self._link.ask(
                lambda redis: redis.xadd(self._stream, told, maxlen=MOST_CHANGES, approximate=True),
                UNHURRIED_S,
            )
        except Apart:
            return False
        return True

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[bool]:
        """Hold the right to load for as long as this process is heard of; alone, everyone has it."""
        key, token = f"{self._prefix}:turn:{name}", new_token()
        is_ours: Any = True
        keeper: asyncio.Task[None] | None = None
        try:
            with suppress(Apart):
                is_ours = await self._link.ask(
                    lambda redis: redis.set(key, token, nx=True, px=round(TURN_S * 1_000)), UNHURRIED_S
                )
            if is_ours:
                keeper = asyncio.create_task(self._keep_turn(key, token), name=f"keep the turn for {name}")
            yield bool(is_ours)
        finally:
            if keeper is not None:
                keeper.cancel()
            if is_ours:  # or it was asked for, and the answer not waited for
                await asyncio.shield(asyncio.create_task(self._end_turn(key, token)))

    async def _end_turn(self, key: str, token: str) -> None:
        self._ended.set(token, key, time.monotonic() + TURN_S)
        with suppress(Apart):
            await self._tell_ended()

    async def _tell_ended(self) -> None:
        """End the turns that have ended here, in Redis too: the others wait for them."""
        for token in self._ended:
            if (ended := self._ended.get(token)) is not None:
                await self._link.ask(partial(_end_turn, key=ended.value, token=token), UNHURRIED_S)
            self._ended.pop(token)

    async def _keep_turn(self, key: str, token: str) -> None:
        while True:
            await asyncio.sleep(TURN_S / 4)
            with suppress(Apart):
                await self._link.ask(
                    lambda redis: redis.eval(_KEEP_TURN, 1, key, token, round(TURN_S * 1_000)), UNHURRIED_S
                )

    async def _listen(self) -> None:
        try:
            await self._hear_more(LISTEN_S)
            await self._tell_ended()
            if asyncio.get_running_loop().time() < self._looked_at + LISTEN_S:
                return
            await self._find_losses()
        except Apart:
            await asyncio.sleep(LISTEN_S)
        self._looked_at = asyncio.get_running_loop().time()
        for hear in self._hears.values():
            hear(None, 0.0)

    async def _find_losses(self) -> None:
        """Find out whether Redis is the one that it was, by a mark which goes with all that it knows."""
        await self._link.ask(lambda redis: redis.set(self._mark, new_token(), nx=True), UNHURRIED_S)
        epoch: Any = await self._link.ask(lambda redis: redis.get(self._mark), UNHURRIED_S)
        if self._epoch not in (None, epoch):
            self._has_missed_a_copy = True
            self._position = "0"
        self.losses += self._has_missed_a_copy
        self._epoch, self._has_missed_a_copy = epoch, False

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
        hear = self._hears.get(entry[b"name"].decode())
        if hear is not None and entry[b"by"].decode() != self._me:
            hear(entry.get(b"change"), float(entry.get(b"at", 0)))

    def _copy(self, name: str) -> str:
        return f"{self._prefix}:copy:{name}"

    @property
    def _mark(self) -> str:
        return f"{self._prefix}:mark"

    @property
    def _stream(self) -> str:
        return f"{self._prefix}:changes"


async def _end_turn(redis: Redis, key: str, token: str) -> None:
    await redis.eval(_END_TURN, 1, key, token)


def _order(entry_id: str) -> tuple[int, int]:
    ms, _, number = entry_id.partition("-")
    return int(ms), int(number or 0)
