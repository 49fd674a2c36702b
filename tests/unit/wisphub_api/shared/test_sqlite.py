"""One file, several processes: nobody gets more than there is, and nothing of it can be read."""

import asyncio
import os
import shutil
import sqlite3
import stat
from collections.abc import AsyncIterator

import pytest

from wisphub_api.shared import sqlite
from wisphub_api.shared.backend import Snapshot
from wisphub_api.shared.sealed import Seal, SealedBackend
from wisphub_api.shared.spending import Limit
from wisphub_api.shared.sqlite import SqliteBackend


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path, clock) -> AsyncIterator[SqliteBackend]:
    store = SqliteBackend(tmp_path, clock)
    yield store
    await store.__aexit__()


@pytest.fixture
async def other(tmp_path, clock) -> AsyncIterator[SqliteBackend]:
    """Another process' view of the same file."""
    store = SqliteBackend(tmp_path, clock)
    yield store
    await store.__aexit__()


def limit(key: str = "a", most: int = 1_000) -> list[Limit]:
    return [Limit(key, most, 60)]


async def test_both_count_into_one_window_which_ends(store, other, clock):
    assert [(await each.spend(limit())).used for each in (store, other, store)] == [1, 2, 3]
    clock.now += 59
    spent = await other.spend(limit(), 0)
    assert (spent.used, round(spent.ends_s, 3)) == (3, 1)
    clock.now += 1
    assert (await store.spend(limit(), 2)).used == 2
    assert (await other.spend(limit("b"))).used == 1


async def test_a_clock_that_is_set_back_ends_a_window(store, clock):
    await store.spend(limit(), 5)
    clock.now -= 3600
    spent = await store.spend(limit())
    assert (spent.used, spent.ends_s) == (1, 60)


async def test_who_looked_at_the_clock_earlier_and_came_later_counts_too(store, other, clock):
    await store.spend(limit(), 5)
    clock.now -= 0.001
    assert (await other.spend(limit())).used == 6


async def test_what_was_answered_is_in_the_file(store, other):
    """So that a process which ends without a word loses none of it."""
    spent = await asyncio.gather(*(store.spend(limit(most=30)) for _ in range(40)))
    assert sum(one.is_granted for one in spent) == (await other.spend(limit(), 0)).used == 30


async def test_all_that_is_asked_for_at_once_is_one_transaction(store):
    await store.spend(limit())
    begun: list[str] = []
    store._connection.set_trace_callback(lambda text: begun.append(text) if "BEGIN" in text else None)
    await asyncio.gather(*(store.spend(limit()) for _ in range(100)))
    assert len(begun) == 1


async def test_what_counts_nothing_waits_for_no_other_process_that_writes(store, tmp_path):
    await store.spend(limit())
    with sqlite3.connect(tmp_path / "shared.sqlite", isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(sqlite.LOCK_WAIT_S / 2):
            assert (await store.spend(limit(), 0)).used == 1
        writer.execute("ROLLBACK")
    writer.close()


async def test_a_lease_is_one_process_until_it_is_released_or_ends(store, other, clock):
    lease = await store.lease("zone:5", 30)
    assert lease
    assert await other.lease("zone:5", 30) is None
    await store.release(lease)
    assert await other.lease("zone:5", 30)
    clock.now += 30
    assert await store.lease("zone:5", 30)


async def test_a_lease_that_has_gone_to_another_is_not_released_by_who_had_it(store, other, clock):
    old = await store.lease("zone:5", 30)
    clock.now += 31
    assert await other.lease("zone:5", 30)
    await store.release(old)
    assert await store.lease("zone:5", 30) is None


async def test_a_record_is_read_by_all_until_it_is_deleted_or_ends(store, other, clock):
    await store.put("a", b"record", 60)
    assert await other.get("a") == b"record"
    await other.put("a", b"newer", 60)
    assert await store.get("a") == b"newer"
    clock.now += 60
    assert await other.get("a") is None
    await store.put("a", b"record", 60)
    await store.delete("a")
    assert await other.get("a") is None
    assert await store.get("b") is None


def snapshot(loaded_at: float, content: bytes = b"content", tag: str = "t") -> Snapshot:
    async def give() -> bytes:
        return content

    return Snapshot(loaded_at, b"head", tag, give)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
async def test_nothing_in_the_file_can_be_read_and_nobody_else_may(store, tmp_path, umask):
    before = os.umask(umask)
    try:
        sealed = SealedBackend(store, Seal("key"))
        await sealed.put("client:34567890", b"Esperanza Benitez", 60)
        await sealed.spend(limit("client:34567890"))
        assert await sealed.lease("client:34567890", 60)
        assert await sealed.put_snapshot("clients", snapshot(1.0, b"Esperanza Benitez" * 9), "")
        assert await sealed.publish("clients", b"Esperanza Benitez", 1.0)
    finally:
        os.umask(before)
    files = list(tmp_path.iterdir())
    everything = b"".join(file.read_bytes() for file in files)
    assert b"34567890" not in everything
    assert b"Esperanza" not in everything
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_what_was_sealed_by_another_key_is_not_there(store):
    ours, stranger = SealedBackend(store, Seal("key")), SealedBackend(store, Seal("another"))
    await ours.put("a", b"record", 60)
    await ours.put_snapshot("clients", snapshot(1.0), "")
    assert await stranger.get("a") is None
    found = await stranger.newest("clients", "", "")
    assert found is not None
    assert (found.head, found.content) == (b"", None)
    assert await stranger.newest("clients", found.tag, "") is None


async def test_a_record_under_another_name_is_none(store, tmp_path):
    sealed = SealedBackend(store, Seal("key"))
    await sealed.put("a", b"record", 60)
    with sqlite3.connect(tmp_path / "shared.sqlite") as connection:
        connection.execute("UPDATE records SET key = ?", (Seal("key").digest("b"),))
    connection.close()
    assert await sealed.get("b") is None


async def test_an_unchanged_content_is_not_written_again(store, tmp_path):
    tag = await store.put_snapshot("clients", snapshot(1.0, b"x" * 1_000_000), "")
    before = sum(file.stat().st_size for file in tmp_path.iterdir())
    for loaded_at in range(2, 20):
        tag = await store.put_snapshot("clients", snapshot(float(loaded_at), b"x" * 1_000_000), tag)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) - before < 1_000_000


async def test_what_has_ended_is_removed(store, tmp_path, clock, monkeypatch):
    monkeypatch.setattr("wisphub_api.shared.sqlite.CLEAN_EVERY", 5)
    for number in range(4):
        await store.put(f"{number}", b"record", 60)
    clock.now += 61
    await store.put("new", b"record", 60)
    with sqlite3.connect(tmp_path / "shared.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM records").fetchone() == (1,)
    connection.close()


async def test_messages_do_not_grow_for_ever(store, tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "CLEAN_EVERY", 20)
    monkeypatch.setattr(sqlite, "MOST_MESSAGES", 10)
    for number in range(100):
        await store.publish("clients", b"message", float(number))
    with sqlite3.connect(tmp_path / "shared.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone()[0] <= 30
    connection.close()


async def test_a_folder_that_is_gone_is_logged_once_and_memory_stands_in(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(sqlite, "LOOK_EVERY_S", 0.01)
    folder = tmp_path / "folder"
    store = SqliteBackend(folder)
    async with store:
        assert [(await store.spend(limit())).used for _ in range(2)] == [1, 2]
        lease = await store.lease("a", 60)
        assert lease
        assert await store.lease("a", 60) is None
        await store.release(lease)
        assert await store.lease("a", 60)
        await store.put("a", b"record", 60)
        assert await store.get("a") == b"record"
        await store.delete("a")
        assert await store.get("a") is None
        assert await store.put_snapshot("clients", snapshot(1.0), "") is None
        assert await store.newest("clients", "", "") is None
        assert not await store.publish("clients", b"message", 1.0)
        await store.catch_up()
        assert caplog.messages == ["the snapshot folder cannot be used: No such file or directory"]
        folder.mkdir()
        assert await store.put_snapshot("clients", snapshot(1.0), "")
        shutil.rmtree(folder)
        async with asyncio.timeout(60):
            while len(caplog.messages) < 2:  # noqa: ASYNC110  # nothing tells when
                await asyncio.sleep(0.01)
        assert store.losses == 1


async def test_processes_meet_again_in_a_new_file_where_theirs_is_removed(
    store, other, tmp_path, monkeypatch
):
    monkeypatch.setattr(sqlite, "LOOK_EVERY_S", 0.01)
    async with store, other:
        await store.spend(limit())
        await other.spend(limit())
        for file in tmp_path.iterdir():
            file.unlink()
        async with asyncio.timeout(60):
            while (store.losses, other.losses) != (1, 1):  # noqa: ASYNC110  # nothing tells when
                await asyncio.sleep(0.01)
        assert [(await each.spend(limit())).used for each in (store, other)] == [1, 2]


async def test_a_file_that_is_damaged_is_put_aside(tmp_path, caplog):
    (tmp_path / "shared.sqlite").write_bytes(b"nonsense" * 1000)
    store, other = SqliteBackend(tmp_path), SqliteBackend(tmp_path)
    assert [(await each.spend(limit())).used for each in (store, other)] == [1, 2]
    for each in (store, other):
        await each.__aexit__()
    assert "is damaged, and is put aside" in caplog.text
    assert (tmp_path / "shared.damaged").read_bytes() == b"nonsense" * 1000


async def test_a_full_disk_leaves_the_snapshot_before_and_nothing_half_written(store, caplog):
    seen = await store.put_snapshot("clients", snapshot(1.0, b"before", "t1"), "")
    store._connection.execute("PRAGMA max_page_count = 20")
    assert await store.put_snapshot("clients", snapshot(2.0, b"x" * 1_000_000, "t2"), seen) is None
    assert caplog.messages == ["the snapshot folder cannot be used: database or disk is full"]
    found = await store.newest("clients", "", "")
    assert found is not None
    assert (found.content, found.content_tag) == (b"before", "t1")
    store._connection.execute("PRAGMA max_page_count = 100000")
    assert await store.put_snapshot("clients", snapshot(2.0, b"x" * 1_000_000, "t2"), seen)


async def test_a_writer_that_hangs_is_not_waited_for_for_ever(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(sqlite, "LOCK_WAIT_S", 0.1)
    store = SqliteBackend(tmp_path)
    await store.spend(limit())
    with sqlite3.connect(tmp_path / "shared.sqlite", isolation_level=None) as another_process:
        another_process.execute("BEGIN IMMEDIATE")
        assert (await store.spend(limit())).used == 1  # in memory
        another_process.execute("ROLLBACK")
    another_process.close()
    assert caplog.messages == ["the snapshot folder cannot be used: database is locked"]
    assert (await store.spend(limit())).used == 2
    await store.__aexit__()
