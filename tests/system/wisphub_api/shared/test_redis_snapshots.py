"""Redis, alone and over a folder: the newest snapshot, and each message once, whatever becomes of Redis."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.unit.wisphub_api.shared.test_snapshots import *  # noqa: F403  # the same promises, of Redis
from tests.unit.wisphub_api.shared.test_snapshots import Content, Ears, content, snapshot, until

from wisphub_api.shared import redis as redis_backend
from wisphub_api.shared import redis_link, sqlite
from wisphub_api.shared.backend import Backend
from wisphub_api.shared.memory import MemoryBackend
from wisphub_api.shared.redis import RedisBackend
from wisphub_api.shared.redis_link import RedisLink
from wisphub_api.shared.sqlite import SqliteBackend

Open = Callable[..., Awaitable[RedisBackend]]


@pytest.fixture(autouse=True)
def faster(monkeypatch) -> None:
    monkeypatch.setattr(redis_link, "FIRST_TRY_S", 0.1)
    monkeypatch.setattr(redis_backend, "LISTEN_S", 0.3)
    monkeypatch.setattr(sqlite, "LOOK_EVERY_S", 0.02)


@pytest.fixture(params=["redis", "over a folder"])  # type: ignore[no-redef]  # over Redis
async def share(request, connect, tmp_path) -> AsyncIterator[Open]:
    """Return the backend as one more process has it, which hears with these ears."""
    async with AsyncExitStack() as stack:

        async def one_more(
            ears: Ears | None = None, link: RedisLink | None = None, folder: Path | None = None
        ) -> RedisBackend:
            has_folder = request.param == "over a folder" or folder is not None
            stand_in: Backend = SqliteBackend(folder or tmp_path) if has_folder else MemoryBackend()
            backend = RedisBackend(link or await connect(), "test", 1_000, stand_in)
            if ears is not None:
                backend.subscribe("things", ears.hear)
            return await stack.enter_async_context(backend)

        yield one_more


async def test_a_snapshot_is_forgotten_when_it_is_of_no_use(share, redis_server):
    backend = await share()
    for loaded_at in (1.0, 2.0):
        await backend.put_snapshot("things", snapshot(loaded_at, b"content", "t"), "")
        with redis_server.connected() as connection:
            assert 990_000 < connection.pttl("test:snapshot:things") <= 1_000_000
            connection.pexpire("test:snapshot:things", 500)
    await backend.put_snapshot("things", snapshot(3.0, b"content", "t"), "")
    with redis_server.connected() as connection:
        assert connection.pttl("test:snapshot:things") > 990_000


async def test_what_redis_has_refused_is_not_put_to_a_folder(share, tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    one, other = await share(folder=tmp_path / "one"), await share(folder=tmp_path / "other")
    seen = await one.put_snapshot("things", snapshot(1.0, b"first"), "")
    stored = await other.newest("things", "", "")
    assert await one.put_snapshot("things", snapshot(1.0, b"changed"), seen)
    assert await other.put_snapshot("things", snapshot(1.0, b"changed otherwise"), stored.tag) is None


async def test_a_content_that_redis_has_lost_is_put_again(share, redis_server):
    backend, other = await share(), await share()
    seen = await backend.put_snapshot("things", snapshot(1.0, b"content", "t"), "")
    with redis_server.connected() as connection:
        connection.delete("test:snapshot:things")
    again = Content(b"content")
    assert await backend.put_snapshot("things", snapshot(1.0, again, "t"), seen)
    assert again.asked == 1
    assert await content(other) == b"content"


async def test_degraded_nothing_reaches_redis_and_all_goes_on_when_it_is_back(share, redis_server):
    backend = await share()
    await backend.put_snapshot("things", snapshot(1.0, b"content"), "")
    redis_server.stop()
    assert not await backend.publish("things", b"message", 1.0)
    await backend.catch_up()
    lease = await backend.lease("load", 60)
    assert lease is not None
    assert await backend.lease("load", 60) is None
    redis_server.start()
    await until(lambda: backend._is_connected)
    assert await backend.publish("things", b"message", 1.0)


async def test_who_was_away_hears_what_was_published_meanwhile(share, connect, lose):
    ears, link = Ears(), await connect()
    _, other = await share(ears, link), await share()
    await other.publish("things", b"before", 1.0)
    await until(lambda: ears.messages)
    await lose(link)
    await other.publish("things", b"meanwhile", 2.0)
    await until(lambda: len(set(ears.messages)) == 2)
    assert list(dict.fromkeys(ears.messages)) == [(b"before", 1.0), (b"meanwhile", 2.0)]


async def test_the_stream_does_not_grow_for_ever(share, redis_server, monkeypatch):
    monkeypatch.setattr(redis_backend, "MOST_MESSAGES", 100)
    backend = await share()
    for number in range(400):
        await backend.publish("things", b"message", float(number))
        await backend.put_snapshot("things", snapshot(float(number), b"x"), "")
    with redis_server.connected() as connection:
        assert connection.xlen("test:messages") <= 300


async def test_after_all_was_lost_it_is_noticed_once_and_what_is_published_then_is_heard(share, redis_server):
    ears = Ears()
    backend, other = await share(ears), await share()
    with redis_server.connected() as connection:
        of_a_clock_ahead = f"{int(time.time() * 1_000) + 60_000}-0"
        before = {"name": "things", "by": "another", "message": "before", "at": "1.0"}
        connection.xadd("test:messages", before, id=of_a_clock_ahead)
        await until(lambda: ears.messages and backend._epoch)
        connection.flushall()
    await other.publish("things", b"after", 2.0)
    await until(lambda: (b"after", 2.0) in ears.messages)
    await until(lambda: backend.losses == 1)
    looks = ears.looks
    await until(lambda: ears.looks > looks + 2)
    assert backend.losses == 1


async def test_who_finds_the_loss_first_notices_it_too(share, redis_server):
    ears = Ears()
    backend = await share(ears)
    await until(lambda: backend._epoch)
    for _ in range(3):
        losses = backend.losses
        with redis_server.connected() as connection:
            connection.flushall()
        await until(partial(lambda before: backend.losses == before + 1, losses))


async def test_a_snapshot_that_redis_did_not_take_while_it_was_away_is_found_to_be_missing(
    share, connect, lose, redis_server
):
    link = await connect()
    backend = await share(Ears(), link)
    await until(lambda: backend._epoch)
    redis_server.freeze()
    await lose(link)
    await backend.put_snapshot("things", snapshot(1.0, b"content"), "")
    redis_server.thaw()
    await until(lambda: backend.losses == 1)


@pytest.fixture
def folders(tmp_path) -> dict[str, Any]:
    """Return a folder for each of two machines."""
    found = {name: tmp_path / name for name in ("here", "there")}
    for folder in found.values():
        folder.mkdir()
    return found


async def test_a_snapshot_is_put_for_all_machines_and_kept_on_this_one(share, folders, redis_server):
    backend, sibling, distant = [await share(folder=folders[name]) for name in ("here", "here", "there")]
    assert await backend.put_snapshot("things", snapshot(1.0, b"content"), "")
    assert [await content(one) for one in (sibling, distant)] == [b"content"] * 2
    redis_server.stop()
    assert [await content(one) for one in (sibling, distant)] == [b"content", None]


async def test_a_start_after_redis_has_lost_all_finds_the_folders_snapshot(share, folders, redis_server):
    backend, sibling = [await share(folder=folders["here"]) for _ in range(2)]
    await backend.put_snapshot("things", snapshot(1.0, b"content"), "")
    with redis_server.connected() as connection:
        connection.flushall()
    assert await content(sibling) == b"content"


async def test_a_snapshot_that_was_seen_is_not_returned_again_wherever_it_is(share, folders, redis_server):
    backend, sibling = [await share(folder=folders["here"]) for _ in range(2)]
    tag = await backend.put_snapshot("things", snapshot(1.0, b"content"), "")
    assert await content(backend, tag) is None
    found = await sibling.newest("things", "", "")
    assert found is not None
    assert await content(sibling, found.tag) is None
    redis_server.stop()
    assert await content(backend, tag) is None


async def test_what_redis_takes_the_folder_takes_though_another_process_put_there_last(
    share, folders, redis_server
):
    backend, sibling = [await share(folder=folders["here"]) for _ in range(2)]
    await backend.put_snapshot("things", snapshot(1.0, b"first"), "")
    await sibling.put_snapshot("things", snapshot(2.0, b"second"), "")
    redis_server.stop()
    assert await content(backend) == b"second"


async def test_degraded_a_lease_is_one_among_this_machines_and_snapshots_reach_them(
    share, folders, redis_server
):
    ears = Ears()
    backend, sibling = await share(folder=folders["here"]), await share(ears, folder=folders["here"])
    distant = await share(folder=folders["there"])
    assert await backend.lease("a", 60) is not None
    assert [await one.lease("a", 60) for one in (sibling, distant)] == [None, None]
    redis_server.stop()
    leases = [await one.lease("b", 60) is not None for one in (backend, sibling, distant)]
    assert leases == [True, False, True]
    assert not await backend.publish("things", b"message", 1.0)
    looks = ears.looks
    assert await backend.put_snapshot("things", snapshot(1.0, b"content"), "")
    await sibling.catch_up()
    assert ears.looks > looks
    assert await content(sibling) == b"content"
