"""Redis as a store: the contract of all stores, and what it does and does not get to see."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.unit.wisphub_api.fleet.test_store import *  # noqa: F403  # the same promises, of Redis

from wisphub_api.fleet.redis_store import RedisStore
from wisphub_api.fleet.seal import Seal
from wisphub_api.fleet.spending import Limit
from wisphub_api.fleet.store import MemoryStore

SECRET_NOTE = b"Esperanza Benitez"


Open = Callable[..., Awaitable[RedisStore]]


@pytest.fixture  # type: ignore[no-redef]  # over Redis
def share(connect) -> Open:
    """Return the store as one more process has it."""

    async def one_more(**options: float) -> RedisStore:
        return RedisStore(await connect(**options), Seal("key"), "test", MemoryStore())

    return one_more


@pytest.mark.smoke
async def test_redis_sees_neither_a_note_nor_what_it_is_of(share, redis_server):
    store = await share()
    await store.write("first-answer:12ab", SECRET_NOTE, 60)
    await store.hold("first-answer:12ab", 60)
    await store.spend([Limit("failures:12ab", 9, 60)])
    with redis_server.connected() as connection:
        keys = set(connection.keys("test:*"))
        dumps = b"".join(connection.dump(key) for key in keys)
        assert all(connection.pttl(key) > 0 for key in keys)
    assert sorted(key.split(b":")[1] for key in keys) == [b"count", b"hold", b"note"]
    assert not [part for part in (SECRET_NOTE, b"12ab", b"first-answer") if part in dumps + b"".join(keys)]


async def test_a_note_put_under_another_key_or_by_a_stranger_is_none(share, redis_server):
    writer, reader = await share(), await share()
    with redis_server.connected() as connection:
        await writer.write("k", SECRET_NOTE, 60)
        (ours,) = connection.keys("test:note:*")
        await writer.write("other", b"note", 60)
        (theirs,) = {*connection.keys("test:note:*")} - {ours}
        assert [await reader.read(key) for key in ("k", "other")] == [SECRET_NOTE, b"note"]
        connection.copy(ours, theirs, replace=True)
        connection.set(ours, b"rubbish")
    assert [await reader.read(key) for key in ("k", "other")] == [None, None]


async def test_alone_it_goes_on_with_what_it_knows(share, redis_server):
    store = await share()
    await store.write("before", b"note", 60)
    redis_server.stop()
    await store.write("after", b"note", 60)
    assert [await store.read(key) for key in ("before", "after", "none")] == [b"note", b"note", None]
    assert [(await store.spend([Limit("k", 9, 60)])).used for _ in range(2)] == [1, 2]
    hold = await store.hold("k", 60)
    assert hold is not None
    assert await store.hold("k", 60) is None
    await store.release(hold)
    assert await store.hold("k", 60) is not None
    await store.erase("before")
    assert await store.read("before") is None


async def test_all_that_is_asked_for_at_once_is_one_call(share, redis_server):
    store = await share()
    with redis_server.connected() as connection:
        await store.spend([Limit("k", 1_000, 60)])
        before = connection.info("commandstats")["cmdstat_evalsha"]["calls"]
        await asyncio.gather(*(store.spend([Limit("k", 1_000, 60)]) for _ in range(100)))
        assert connection.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1


async def test_operations_that_find_redis_gone_are_counted_alone_in_their_order(share, redis_server):
    store = await share()
    await store.spend([Limit("k", 3, 60)], 2)
    redis_server.stop()
    spent = await asyncio.gather(*(store.spend([Limit("k", 3, 60)], amount) for amount in (1, 0, 2, 0, 1)))
    assert [one.is_granted for one in spent] == [True, True, True, False, False]


async def test_what_redis_has_lost_this_process_still_knows(share, redis_server):
    store = await share()
    await store.write("k", b"note", 60)
    with redis_server.connected() as connection:
        connection.flushall()
    assert await store.read("k") == b"note"


async def test_what_was_noted_alone_all_know_when_redis_is_back(share, redis_server):
    writer, reader = await share(answer_s=0.1), await share()
    await writer.write("erased", b"old", 60)
    await writer.write("changed", b"old", 60)
    redis_server.freeze()  # it finds, and carries out, what it is told meanwhile
    await writer.write("new", b"note", 60)
    await writer.write("changed", b"note", 60)
    await writer.write("short", b"note", 0.1)
    await writer.erase("erased")
    redis_server.thaw()
    notes = {"new": b"note", "changed": b"note", "short": None, "erased": None}
    for store in (reader, writer):
        async with asyncio.timeout(60):
            while {key: await store.read(key) for key in notes} != notes:  # noqa: ASYNC110  # nothing tells when
                await asyncio.sleep(0.02)
