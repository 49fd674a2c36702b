"""Redis as a backend: the contract of all backends, and what it does and does not get to see."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.unit.wisphub_api.shared.test_backend import *  # noqa: F403  # the same promises, of Redis

from wisphub_api.shared import redis as redis_backend
from wisphub_api.shared import redis_link
from wisphub_api.shared.memory import MemoryBackend
from wisphub_api.shared.redis import RedisBackend
from wisphub_api.shared.sealed import Seal, SealedBackend
from wisphub_api.shared.spending import Limit

SECRET = b"Esperanza Benitez"


Open = Callable[..., Awaitable[SealedBackend]]


@pytest.fixture  # type: ignore[no-redef]  # over Redis
def share(connect) -> Open:
    """Return the backend as one more process has it."""

    async def one_more(**options: float) -> SealedBackend:
        redis = RedisBackend(await connect(**options), "test", 1_000, MemoryBackend())
        return SealedBackend(redis, Seal("key"))

    return one_more


@pytest.mark.smoke
async def test_redis_sees_neither_a_record_nor_what_it_is_of(share, redis_server):
    store = await share()
    await store.put("first-answer:12ab", SECRET, 60)
    await store.lease("first-answer:12ab", 60)
    await store.spend([Limit("failures:12ab", 9, 60)])
    with redis_server.connected() as connection:
        keys = set(connection.keys("test:*"))
        dumps = b"".join(connection.dump(key) for key in keys)
        assert all(connection.pttl(key) > 0 for key in keys)
    assert sorted(key.split(b":")[1] for key in keys) == [b"lease", b"record", b"window"]
    assert not [part for part in (SECRET, b"12ab", b"first-answer") if part in dumps + b"".join(keys)]


async def test_a_record_put_under_another_key_or_by_a_stranger_is_none(share, redis_server):
    writer, reader = await share(), await share()
    with redis_server.connected() as connection:
        await writer.put("k", SECRET, 60)
        (ours,) = connection.keys("test:record:*")
        await writer.put("other", b"record", 60)
        (theirs,) = {*connection.keys("test:record:*")} - {ours}
        assert [await reader.get(key) for key in ("k", "other")] == [SECRET, b"record"]
        connection.copy(ours, theirs, replace=True)
        connection.set(ours, b"rubbish")
    assert [await reader.get(key) for key in ("k", "other")] == [None, None]


async def test_alone_it_goes_on_with_what_it_knows(share, redis_server):
    store = await share()
    await store.put("before", b"record", 60)
    redis_server.stop()
    await store.put("after", b"record", 60)
    assert [await store.get(key) for key in ("before", "after", "none")] == [b"record", b"record", None]
    assert [(await store.spend([Limit("k", 9, 60)])).used for _ in range(2)] == [1, 2]
    lease = await store.lease("k", 60)
    assert lease is not None
    assert await store.lease("k", 60) is None
    await store.release(lease)
    assert await store.lease("k", 60) is not None
    await store.delete("before")
    assert await store.get("before") is None


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
    await store.put("k", b"record", 60)
    with redis_server.connected() as connection:
        connection.flushall()
    assert await store.get("k") == b"record"


async def test_what_was_written_alone_all_know_when_redis_is_back(share, redis_server):
    writer, reader = await share(answer_s=0.1), await share()
    await writer.put("erased", b"old", 60)
    await writer.put("changed", b"old", 60)
    redis_server.freeze()  # it finds, and carries out, what it is told meanwhile
    await writer.put("new", b"record", 60)
    await writer.put("changed", b"record", 60)
    await writer.put("short", b"record", 0.1)
    await writer.delete("erased")
    redis_server.thaw()
    records = {"new": b"record", "changed": b"record", "short": None, "erased": None}
    for store in (reader, writer):
        async with asyncio.timeout(60):
            while {key: await store.get(key) for key in records} != records:  # noqa: ASYNC110  # nothing tells when
                await asyncio.sleep(0.02)


@pytest.fixture
def _brief(monkeypatch) -> None:
    monkeypatch.setattr(redis_link, "FIRST_TRY_S", 0.1)
    monkeypatch.setattr(redis_backend, "LISTEN_S", 0.3)


@pytest.mark.usefixtures("_brief")
async def test_a_lease_of_whose_end_redis_did_not_hear_is_ended_when_it_does(connect, lose):
    link, other = await connect(), RedisBackend(await connect(), "test", 1_000, MemoryBackend())
    async with RedisBackend(link, "test", 1_000, MemoryBackend()) as backend:
        lease = await backend.lease("k", 600)
        assert lease is not None
        await lose(link)
        await backend.release(lease)
        async with asyncio.timeout(60):
            while await other.lease("k", 600) is None:  # noqa: ASYNC110  # nothing tells when
                await asyncio.sleep(0.05)


async def test_a_lease_that_was_asked_for_when_its_task_was_cancelled_is_nobodys(share, redis_server):
    backend, other = await share(), await share()
    redis_server.freeze()
    task = asyncio.create_task(backend.lease("k", 600))
    await asyncio.sleep(0.05)
    task.cancel()
    redis_server.thaw()
    await asyncio.wait({task})
    async with asyncio.timeout(60):
        while await other.lease("k", 600) is None:  # noqa: ASYNC110  # nothing tells when
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("_brief")
async def test_a_lease_that_redis_took_too_late_is_nobodys(connect, redis_server):
    link, other = await connect(answer_s=0.1), RedisBackend(await connect(), "test", 1_000, MemoryBackend())
    async with RedisBackend(link, "test", 1_000, MemoryBackend()) as backend:
        assert await backend.lease("another", 60) is not None  # now Redis knows the script
        redis_server.freeze()  # it finds, and carries out, what it is asked meanwhile
        lease = await backend.lease("k", 600)
        assert lease is not None
        await backend.release(lease)
        redis_server.thaw()
        async with asyncio.timeout(60):
            while await other.lease("k", 600) is None:  # noqa: ASYNC110  # nothing tells when
                await asyncio.sleep(0.05)


async def test_a_lease_that_was_lost_is_not_extended_nor_taken_from_its_new_holder(share, redis_server):
    backend, other = await share(), await share()
    lost = await backend.lease("k", 60)
    assert lost is not None
    with redis_server.connected() as connection:
        connection.flushall()
    assert await other.lease("k", 60) is not None
    await backend.extend(lost, 60)
    await backend.release(lost)
    assert await backend.lease("k", 60) is None


async def test_leases_that_end_while_redis_is_away_are_not_kept_for_ever(monkeypatch, connect):
    monkeypatch.setattr(redis_backend, "LONGEST_LEASE_S", 0.0)
    link = await connect()
    link._why = "it cannot be reached"
    backend = RedisBackend(link, "test", 1_000, MemoryBackend())
    for number in range(2_500):
        lease = await backend.lease(str(number), 60)
        assert lease is not None
        await backend.release(lease)
    assert len(backend._ended) < 2_000
