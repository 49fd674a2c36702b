"""Processes that load, write, start and stop while what they share freezes, restarts and forgets.

At all times: no process shows an older load than it did, nor loses what it has shown as written. In the end,
when calm has come: all, and one that starts then, show the same, with all that was ever written.
"""

import asyncio
import random
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest

from wisphub_api.cache import shared, shared_cached
from wisphub_api.cache.shared import Codec, Shared
from wisphub_api.cache.shared_cached import SharedCached
from wisphub_api.cache.slot import Policy
from wisphub_api.shared import redis as redis_backend
from wisphub_api.shared import redis_link, sqlite
from wisphub_api.shared.backend import Backend
from wisphub_api.shared.memory import MemoryBackend
from wisphub_api.shared.redis import RedisBackend
from wisphub_api.shared.redis_link import RedisLink
from wisphub_api.shared.sealed import Seal, SealedBackend
from wisphub_api.shared.sqlite import SqliteBackend

FASTER = {
    sqlite: {"LOOK_EVERY_S": 0.05, "REMIND_EVERY_S": 0.3},
    redis_link: {"FIRST_TRY_S": 0.1, "LONGEST_TRY_S": 0.4},
    redis_backend: {"LISTEN_S": 0.3},
    shared: {"LOAD_LEASE_S": 2.0},
    shared_cached: {"ASK_FOR_LEASE_S": 0.1},
}
CALM_WITHIN_S = 60.0


class Seen(msgspec.Struct, frozen=True):
    """What a load finds: which edition of the source it is, what was written, and who wrote last."""

    edition: int
    written: frozenset[int]
    last: int


class Wrote(msgspec.Struct, frozen=True, tag=True):
    """A mark that was written."""

    mark: int

    def __call__(self, seen: Seen, /) -> Seen:
        return Seen(seen.edition, seen.written | {self.mark}, self.mark)


CODEC = Codec[Seen, Seen](kind=Seen, pack=lambda seen: seen, unpack=lambda seen, _: seen, changes=Wrote)


class Process:
    """One process: what it shows may only grow."""

    def __init__(self, cached: SharedCached[Seen], link: RedisLink, stack: AsyncExitStack) -> None:
        self.cached = cached
        self.link = link
        self.stack = stack
        self._before = Seen(-1, frozenset(), -1)

    @property
    def shown(self) -> Seen | None:
        slot = self.cached._slot
        return slot.value if slot else None

    def check(self) -> None:
        shown = self.shown
        if shown is not None:
            assert shown.edition >= self._before.edition, "an older load is shown"
            assert shown.written >= self._before.written, "what was written is shown no more"
            self._before = shown


class World:
    """The source, the processes and what happens to them."""

    def __init__(self, kind: str, folder: Any, server: Any, draw: random.Random) -> None:
        self.kind = kind
        self.draw = draw
        self.source = Seen(0, frozenset(), -1)
        self.processes: list[Process] = []
        self._folder = folder
        self._server = server
        self._is_frozen = False

    async def load(self, _: object) -> Seen:
        found = self.source
        await asyncio.sleep(self.draw.choice([0, 0.02, 0.2]))
        return found

    async def start(self) -> None:
        stack = AsyncExitStack()
        link = RedisLink(self._server.url)
        if self.kind != "folder":
            await stack.enter_async_context(link)
        backend: Backend = MemoryBackend() if self.kind == "redis" else SqliteBackend(self._folder)
        if self.kind != "folder":
            backend = RedisBackend(link, "test", 1_000, stand_in=backend)
        backend = SealedBackend(backend, Seal("key"))
        things = Shared("things", CODEC, backend)
        policy = Policy(ttl_s=100, max_stale_s=1_000, cold_wait_s=10)
        cached = SharedCached("things", self.load, policy, lambda _: 1, things, draw=self.draw.random)
        await stack.enter_async_context(backend)
        await stack.enter_async_context(cached)
        self.processes.append(Process(cached, link, stack))

    async def stop(self) -> None:
        """Stop one; not while another cannot hear what it has written."""
        if len(self.processes) > 1 and not self._is_frozen and self.are_together():
            await asyncio.sleep(0.15)
            if self.are_together():
                await self.processes.pop(self.draw.randrange(len(self.processes))).stack.aclose()

    def are_together(self) -> bool:
        return self.kind == "folder" or all(p.link.state().state == "together" for p in self.processes)

    async def write(self) -> None:
        mark = len(self.source.written)
        self.source = Wrote(mark)(self.source)
        await self.draw.choice(self.processes).cached.amend(Wrote(mark))

    async def write_at_once(self) -> None:
        await asyncio.gather(*(self.write() for _ in range(3)))

    async def edit(self) -> None:
        self.source = msgspec.structs.replace(self.source, edition=self.source.edition + 1)

    async def load_anew(self) -> None:
        self.draw.choice(self.processes).cached.invalidate()

    async def replace(self) -> None:
        await self.stop()
        if len(self.processes) < 3:
            await self.start()

    async def freeze(self) -> None:
        self._is_frozen = True
        self._server.freeze()
        await asyncio.sleep(self.draw.choice([0.05, 0.3, 0.8]))

    async def calm(self) -> None:
        if self._is_frozen:
            self._server.thaw()
            self._is_frozen = False

    async def restart(self) -> None:
        await self.calm()
        await asyncio.to_thread(self._server.stop)
        await asyncio.sleep(self.draw.choice([0, 0.3]))
        await asyncio.to_thread(self._server.start)

    async def wipe(self) -> None:
        await self.calm()
        with self._server.connected() as connection:
            connection.flushall()

    async def cut(self) -> None:
        await self.calm()
        with self._server.connected() as connection:
            connection.client_kill_filter(_type="normal", skipme=True)

    async def until_same(self, edition: int = 0) -> None:
        """Wait until all show the same, of this edition at least, with all that was written."""
        async with asyncio.timeout(CALM_WITHIN_S):
            while True:
                shown = [process.shown for process in self.processes]
                first = shown[0]
                is_all = first and first.edition >= edition and first.written == self.source.written
                if is_all and all(one == first for one in shown):
                    return
                await asyncio.sleep(0.02)


async def live(world: World, steps: int) -> None:
    usual = [world.write, world.write, world.write_at_once, world.edit, world.load_anew, world.replace]
    troubles = (
        [] if world.kind == "folder" else [world.freeze, world.calm, world.wipe, world.restart, world.cut]
    )
    for _ in range(3):
        await world.start()
    for _ in range(steps):
        await world.draw.choice(usual * 3 + troubles)()
        await asyncio.sleep(world.draw.choice([0, 0, 0.01, 0.1, 0.3]))
        for process in world.processes:
            process.check()


@pytest.fixture
def world(request, tmp_path, redis_server, monkeypatch):
    for module, constants in FASTER.items():
        for name, value in constants.items():
            monkeypatch.setattr(module, name, value)
    kind, seed = request.param
    return World(kind, tmp_path, redis_server, random.Random(seed))  # noqa: S311  # a seed makes a test


@pytest.mark.parametrize(
    "world", [(k, s) for k in ("folder", "redis", "both") for s in (1, 2)], indirect=True
)
async def test_when_calm_has_come_all_show_the_same_and_nothing_written_is_lost(world):
    try:
        await live(world, steps=30)
        await asyncio.sleep(1)
        await world.calm()
        await world.until_same()
        await world.start()
        await world.until_same()
        await world.edit()
        await world.load_anew()
        await world.until_same(world.source.edition)
    finally:
        await world.calm()
        for process in world.processes:
            await process.stack.aclose()
