"""Several processes with one Redis, or a Redis and a folder: one load, and all see what one has written.

Each "process" here has a cache, a backend and connections of its own; the folder and the Redis are real.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.unit.wisphub_api.cache.test_shared_cached import *  # noqa: F403  # the same promises, over Redis
from tests.unit.wisphub_api.cache.test_shared_cached import (
    WITHIN_S,
    Added,
    Place,
    Source,
    Things,
    is_put,
    until,
    values,
)

from wisphub_api.cache import shared_cached
from wisphub_api.shared import redis as redis_backend
from wisphub_api.shared import redis_link, sqlite
from wisphub_api.shared.backend import Backend
from wisphub_api.shared.memory import MemoryBackend
from wisphub_api.shared.redis import RedisBackend
from wisphub_api.shared.redis_link import RedisLink
from wisphub_api.shared.sqlite import SqliteBackend


class PlaceWithRedis(Place):
    """Where processes share a Redis, and perhaps a folder as well."""

    def __init__(self, kind: str, folder: Path, redis_url: str, source: Source) -> None:
        super().__init__(folder, source)
        self._kind = kind
        self._redis_url = redis_url

    @asynccontextmanager
    async def backend(self, wall: Callable[[], float]) -> AsyncIterator[Backend]:
        stand_in = SqliteBackend(self.folder, wall) if self._kind == "both" else MemoryBackend()
        async with RedisLink(self._redis_url) as link:
            yield RedisBackend(link, "test", 1_000, stand_in, wall)


@pytest.fixture(params=["redis", "both"])  # type: ignore[no-redef]  # over Redis
def place(request, tmp_path, patient_redis, source, monkeypatch) -> Place:
    faster = {
        sqlite: {"LOOK_EVERY_S": 0.05},
        redis_link: {"FIRST_TRY_S": 0.1, "LONGEST_TRY_S": 0.4},
        redis_backend: {"LISTEN_S": 0.3},
        shared_cached: {"ASK_FOR_LEASE_S": 0.1},
    }
    for module, constants in faster.items():
        for name, value in constants.items():
            monkeypatch.setattr(module, name, value)
    return PlaceWithRedis(request.param, tmp_path, patient_redis.url, source)


@pytest.fixture
def impatient(place, monkeypatch) -> None:  # noqa: ARG001  # after it
    """Let Redis have as little time as in earnest: it will not answer."""
    for module in (redis_link, redis_backend):
        monkeypatch.setattr(module, "UNHURRIED_S", 2.0)


async def test_who_waits_for_the_first_load_does_not_wait_for_redis_as_well(place, redis_server, source):
    source.cost_s = 0.5
    async with place.process() as loader:
        await until(lambda: source.loads == 1)
        redis_server.freeze()
        begun = time.monotonic()
        assert (await loader.read()).value == ("a",)
        assert time.monotonic() - begun < WITHIN_S / 2  # in which Redis would have had to answer
        redis_server.thaw()
        async with place.process() as newcomer:
            await until(lambda: values(newcomer) == {("a",)})


async def test_what_was_written_alone_all_machines_show_when_redis_is_back(
    place, redis_server, tmp_path, source
):
    async with place.process() as writer:
        await until(lambda: values(writer) == {("a",)})
        place.folder = tmp_path / "another machine"
        place.folder.mkdir()
        async with place.process() as reader:
            await until(lambda: values(reader) == {("a",)})
            redis_server.stop()
            source.things = ("a", "b", "c")
            await writer.amend(Added("b"))
            await writer.amend(Added("c"))
            assert values(writer) == {("a", "b", "c")}
            redis_server.start()
            await until(lambda: values(reader) == {("a", "b", "c")})
            async with place.process() as newcomer:
                await until(lambda: values(newcomer) == {("a", "b", "c")})


@pytest.mark.usefixtures("impatient")
async def test_what_was_loaded_alone_a_newcomer_on_another_machine_finds_when_redis_is_back(
    place, redis_server, tmp_path, source
):
    async with place.process() as loader:
        await until(lambda: values(loader) == {("a",)})
        await until(lambda: is_put(loader))
        redis_server.freeze()
        source.things = ("z",)
        loader.invalidate()
        await until(lambda: values(loader) == {("z",)})
        redis_server.thaw()
        place.folder = tmp_path / "another machine"
        place.folder.mkdir()
        async with place.process() as newcomer:
            await until(lambda: values(newcomer) == {("z",)})
    assert source.loads == 2


async def test_after_redis_was_wiped_the_next_to_start_finds_all_again(place, redis_server, source):
    async with place.process() as one, place.process() as other:
        await until(lambda: values(one, other) == {("a",)})
        await one.amend(Added("b"))
        with redis_server.connected() as connection:
            await until(lambda: connection.exists("test:mark"))
            await asyncio.sleep(0.1)
            connection.flushall()
            await until(lambda: connection.exists("test:snapshot:things"))
        place.folder /= "empty"
        place.folder.mkdir()
        async with place.process() as newcomer:
            await until(lambda: values(newcomer) == {("a", "b")})
    assert source.loads == 1


@pytest.mark.usefixtures("impatient")
async def test_to_stop_while_all_hangs_takes_no_long_time(place, redis_server):
    async def hang(_: object) -> Things:
        await asyncio.sleep(3_600)
        return ()

    begun = 0.0
    async with place.process() as cached:
        await cached.read()
        async with place.process(load=hang) as hanging:
            hanging.invalidate()
            await until(lambda: hanging.state().loads == 1)
            redis_server.freeze()
            await cached.amend(Added("b"))
            begun = time.monotonic()
    assert time.monotonic() - begun < WITHIN_S / 2


async def test_what_only_one_knew_when_redis_was_wiped_all_get_to_know(place, redis_server):
    async with place.process() as one, place.process() as other:
        await until(lambda: values(one, other) == {("a",)})
        with redis_server.connected() as connection:
            await until(lambda: connection.exists("test:mark"))
            await asyncio.sleep(0.1)
            one._know((round(time.time(), 6), Added("b")))
            connection.flushall()
        other._is_put = False
        await other._put_latest()
        await until(lambda: values(one, other) == {("a", "b")})
