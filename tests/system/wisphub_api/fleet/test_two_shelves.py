"""Redis and a folder: what one has lost, the other may have."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from wisphub_api.fleet import redis_link
from wisphub_api.fleet.file_shelf import FileShelf
from wisphub_api.fleet.redis_shelf import RedisShelf
from wisphub_api.fleet.shelf import Sealed
from wisphub_api.fleet.two_shelves import TwoShelves

Open = Callable[[str], Awaitable[TwoShelves]]


@pytest.fixture
def open_shelf(connect, tmp_path, monkeypatch) -> Open:
    """Open the shelves as a process of a machine has them."""
    monkeypatch.setattr(redis_link, "FIRST_TRY_S", 0.1)
    folders: dict[str, Path] = {machine: tmp_path / machine for machine in ("here", "there")}
    for folder in folders.values():
        folder.mkdir()

    async def one_more(machine: str) -> TwoShelves:
        return TwoShelves(RedisShelf(await connect(), "test", keep_s=1_000), FileShelf(folders[machine]))

    return one_more


@pytest.fixture
async def shelf(open_shelf) -> TwoShelves:
    opened: TwoShelves = await open_shelf("here")
    return opened


@pytest.fixture
async def sibling(open_shelf) -> TwoShelves:
    opened: TwoShelves = await open_shelf("here")
    return opened


@pytest.fixture
async def distant(open_shelf) -> TwoShelves:
    opened: TwoShelves = await open_shelf("there")
    return opened


async def content(shelf: TwoShelves, seen: str = "") -> bytes | None:
    found = await shelf.newest("things", seen)
    return found.content if found else None


async def test_a_copy_is_put_for_all_machines_and_kept_on_this_one(shelf, sibling, distant, redis_server):
    assert await shelf.put("things", Sealed(1.0, b"content"), "")
    assert [await content(one) for one in (sibling, distant)] == [b"content"] * 2
    redis_server.stop()
    assert [await content(one) for one in (sibling, distant)] == [b"content", None]


async def test_a_start_after_redis_has_lost_all_finds_the_folders_copy(shelf, sibling, redis_server):
    await shelf.put("things", Sealed(1.0, b"content"), "")
    with redis_server.connected() as connection:
        connection.flushall()
    assert await content(sibling) == b"content"


async def test_a_copy_that_was_seen_is_not_given_again_wherever_it_lies(shelf, sibling, redis_server):
    tag = await shelf.put("things", Sealed(1.0, b"content"), "")
    assert await content(shelf, tag) is None
    found = await sibling.newest("things", "")
    assert found is not None
    assert await content(sibling, found.tag) is None
    redis_server.stop()
    assert await content(shelf, tag) is None


async def test_what_redis_takes_the_folder_takes_though_it_was_another_process_that_put_there_last(
    shelf, sibling, redis_server
):
    await shelf.put("things", Sealed(1.0, b"first"), "")
    await sibling.put("things", Sealed(2.0, b"second"), "")
    redis_server.stop()
    assert await content(shelf) == b"second"


async def test_without_redis_what_was_not_seen_in_the_folder_is_not_replaced(shelf, sibling, redis_server):
    redis_server.stop()
    seen = await shelf.put("things", Sealed(1.0, b"first"), "")
    assert seen
    assert await sibling.put("things", Sealed(2.0, b"blind"), "") is None
    assert await shelf.put("things", Sealed(2.0, b"second"), seen)


async def test_the_turn_is_one_among_all_machines(shelf, sibling, distant):
    async with shelf.turn("things") as ours, sibling.turn("things") as near, distant.turn("things") as far:
        assert (ours, near, far) == (True, False, False)


async def test_who_waits_for_another_machines_turn_keeps_nobody_here_from_taking_it(shelf, sibling, distant):
    async with sibling.turn("things"):
        pass
    async with distant.turn("things"):
        waiting = shelf.turn("things")
        assert not await waiting.__aenter__()
    async with sibling.turn("things") as is_ours:
        assert is_ours
    await waiting.__aexit__(None, None, None)


async def test_without_redis_the_turn_is_one_among_this_machines(shelf, sibling, distant, redis_server):
    redis_server.stop()
    async with shelf.turn("things") as ours, sibling.turn("things") as near, distant.turn("things") as far:
        assert (ours, near, far) == (True, False, True)


async def test_both_are_listened_to(shelf, sibling, distant, until, redis_server):
    heard: list[bytes | None] = []
    shelf.listen("things", lambda change, _: heard.append(change))
    async with shelf:
        assert await distant.tell("things", b"change", 1.0)
        await until(lambda: b"change" in heard)
        await asyncio.gather(shelf.catch_up(), shelf.catch_up())
        assert heard.count(b"change") == 1
        redis_server.stop()
        assert not await distant.tell("things", b"change", 1.0)
        await until(lambda: not shelf._redis.is_reachable)
        heard.clear()
        await sibling._folder.put("things", Sealed(3.0, b"content"), "")
        await shelf.catch_up()
        assert heard == [None]
    assert (shelf.tells, shelf.is_reachable, shelf.losses) == (True, True, 0)
