"""A folder as the shelf of one machine's processes."""

import asyncio
import errno
import fcntl
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from wisphub_api.fleet import file_shelf
from wisphub_api.fleet.file_shelf import FileShelf
from wisphub_api.fleet.shelf import Sealed


@pytest.fixture
def shelf(tmp_path) -> FileShelf:
    return FileShelf(tmp_path)


@pytest.fixture
def other(tmp_path) -> FileShelf:
    return FileShelf(tmp_path)


@pytest.fixture
def copy_file(tmp_path) -> Path:
    path: Path = tmp_path / "things.copy"
    return path


@pytest.fixture
async def heard(shelf) -> AsyncIterator[list[str]]:
    """Tell what the shelf has told."""
    told: list[str] = []
    shelf.listen("things", lambda _, __: told.append("things"))
    shelf.listen("others", lambda _, __: told.append("others"))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(shelf)
        yield told


async def test_two_copies_are_told_apart_however_soon_they_follow(shelf):
    tags = [""]
    for number in range(30):
        tags.append(str(await shelf.put("things", Sealed(float(number), b"x"), tags[-1])))
    assert len(set(tags)) == 31


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
async def test_nobody_else_may_read_what_is_in_the_folder(shelf, tmp_path, umask):
    before = os.umask(umask)
    try:
        async with shelf.turn("things"):
            await shelf.put("things", Sealed(1.0, b"content"), "")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(["things.copy", "things.lock", "things.turn"], 0o600)


async def test_what_a_killed_writer_has_left_open_to_all_is_not_written_into(shelf, tmp_path, copy_file):
    secret = tmp_path / "elsewhere"
    secret.write_text("")
    (tmp_path / "things.new").symlink_to(secret)
    assert await shelf.put("things", Sealed(1.0, b"content"), "")
    assert secret.read_text() == ""
    assert copy_file.stat().st_mode & 0o777 == 0o600


async def test_an_older_copy_does_not_replace_a_newer_one(shelf, other):
    newer = await shelf.put("things", Sealed(2.0, b"newer"), "")
    assert newer
    assert await other.put("things", Sealed(1.0, b"older"), newer) is None
    found = await other.newest("things", "")
    assert found is not None
    assert found.content == b"newer"


@pytest.mark.parametrize("loaded_at", [1.0, 2.0])
async def test_a_copy_that_was_not_seen_is_not_replaced(shelf, other, loaded_at):
    seen = str(await shelf.put("things", Sealed(1.0, b"first"), ""))
    assert await shelf.put("things", Sealed(1.0, b"second"), seen)
    assert await other.put("things", Sealed(loaded_at, b"blind"), seen) is None
    assert await other.put("things", Sealed(loaded_at, b"blind"), "") is None


async def test_of_many_who_have_seen_the_same_one_replaces_it(tmp_path):
    shelves = [FileShelf(tmp_path) for _ in range(5)]
    seen = str(await shelves[0].put("things", Sealed(1.0, b"first"), ""))
    tags = await asyncio.gather(*(shelf.put("things", Sealed(1.0, b"x"), seen) for shelf in shelves))
    assert len([tag for tag in tags if tag]) == 1


async def test_after_the_clock_was_set_back_a_copy_of_the_future_is_replaced(shelf):
    now = time.time()
    future = str(await shelf.put("things", Sealed(now + 3_600, b"future"), ""))
    assert await shelf.put("things", Sealed(now, b"now"), future)


async def test_a_clock_that_is_a_little_ahead_is_believed(shelf):
    ahead = str(await shelf.put("things", Sealed(time.time() + 1.5, b"ahead"), ""))
    assert await shelf.put("things", Sealed(time.time(), b"now"), ahead) is None


@pytest.mark.parametrize("content", [b"", b"WHCO", b"rubbish that is longer than any head", b"WHCOPY1\n12"])
async def test_a_strange_file_is_found_as_it_is_and_can_be_replaced(shelf, copy_file, content):
    copy_file.write_bytes(content)
    found = await shelf.newest("things", "")
    assert found is not None
    assert await shelf.put("things", Sealed(1.0, b"content"), found.tag)


async def test_one_process_at_a_time_has_the_turn(shelf, other):
    async with shelf.turn("things") as first, other.turn("things") as second, other.turn("others") as third:
        assert (first, second, third) == (True, False, True)
    async with other.turn("things") as later:
        assert later


async def test_a_writer_that_hangs_is_not_waited_for_for_ever(shelf, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(file_shelf, "LOCK_S", 0.1)
    with (tmp_path / "things.lock").open("w") as another_processes:
        fcntl.flock(another_processes, fcntl.LOCK_EX)
        assert await shelf.put("things", Sealed(1.0, b"content"), "") is None
    why = "the snapshot folder cannot be used: another process hangs while it writes there"
    assert caplog.messages == [why]
    assert await shelf.put("things", Sealed(1.0, b"content"), "")


async def test_a_folder_that_is_gone_is_told_once_and_the_service_goes_on_alone(tmp_path, caplog):
    folder = tmp_path / "folder"
    folder.mkdir()
    shelf = FileShelf(folder)
    folder.rmdir()
    for _ in range(3):
        assert await shelf.put("things", Sealed(1.0, b"content"), "") is None
        assert await shelf.newest("things", "") is None
        async with shelf.turn("things") as is_ours:
            assert is_ours
    assert caplog.messages == ["the snapshot folder cannot be used: No such file or directory"]
    folder.mkdir()
    assert await shelf.put("things", Sealed(1.0, b"content"), "")
    folder.rename(tmp_path / "elsewhere")
    await shelf.put("things", Sealed(1.0, b"content"), "")
    assert len(caplog.messages) == 2


@pytest.mark.parametrize("call", ["write", "fsync"])
async def test_a_full_disk_leaves_the_copy_before_and_nothing_half_written(
    shelf, tmp_path, monkeypatch, caplog, call
):
    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    seen = await shelf.put("things", Sealed(1.0, b"before"), "")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        assert await shelf.put("things", Sealed(2.0, b"after"), seen) is None
    assert caplog.messages == ["the snapshot folder cannot be used: No space left on device"]
    found = await shelf.newest("things", "")
    assert found is not None
    assert found.content == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["things.copy", "things.lock"]
    assert await shelf.put("things", Sealed(2.0, b"after"), seen)


async def test_what_the_system_writes_in_parts_is_written_whole(shelf, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, content: write(file, content[:7]))
    await shelf.put("things", Sealed(1.0, bytes(range(100))), "")
    found = await shelf.newest("things", "")
    assert found is not None
    assert found.content == bytes(range(100))


async def test_a_copy_that_cannot_be_read_is_told_and_is_none(shelf, copy_file, caplog):
    copy_file.mkdir()
    assert await shelf.newest("things", "") is None
    assert caplog.messages == ["the snapshot folder cannot be used: Is a directory"]


async def test_where_there_are_no_locks_each_process_loads_for_itself(shelf, monkeypatch, caplog):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    async with shelf.turn("things") as is_ours:
        assert is_ours
    assert caplog.messages == ["the snapshot folder cannot be used: No locks available"]


async def test_a_new_copy_is_told_of_to_who_listens_once(other, heard, monkeypatch):
    monkeypatch.setattr(file_shelf, "LOOK_EVERY_S", 0.01)
    await other.put("things", Sealed(1.0, b"content"), "")
    while not heard:  # noqa: ASYNC110  # the tests' time-out bounds it
        await asyncio.sleep(0.01)
    await asyncio.sleep(10 * file_shelf.LOOK_EVERY_S)
    assert heard == ["things"]


async def test_catching_up_looks_at_once(shelf, other):
    told: list[object] = []
    await other.put("things", Sealed(1.0, b"before"), "")
    shelf.listen("things", lambda change, at: told.append((change, at)))
    await shelf.catch_up()
    assert told == []
    await other.put("things", Sealed(2.0, b"after"), other.tag("things"))
    await shelf.catch_up()
    await shelf.catch_up()
    assert told == [(None, 0.0)]


async def test_a_change_cannot_be_told(shelf):
    assert not await shelf.tell("things", b"change", 1.0)
    assert not shelf.tells
