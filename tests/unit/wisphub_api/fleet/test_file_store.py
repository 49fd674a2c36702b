"""One file, several processes: nobody gets more than there is, and nothing of it can be read."""

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator

import pytest

from wisphub_api.fleet.file_store import FileStore
from wisphub_api.fleet.seal import Seal
from wisphub_api.fleet.spending import Limit

SEAL = Seal("key")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path, clock) -> AsyncIterator[FileStore]:
    store = FileStore(tmp_path, SEAL, clock)
    yield store
    await store.close()


@pytest.fixture
async def other(tmp_path, clock) -> AsyncIterator[FileStore]:
    """Another process' view of the same file."""
    store = FileStore(tmp_path, SEAL, clock)
    yield store
    await store.close()


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


async def test_a_place_is_held_by_one_until_it_is_given_back_or_ends(store, other, clock):
    hold = await store.hold("zone:5", 30)
    assert hold
    assert await other.hold("zone:5", 30) is None
    await store.release(hold)
    assert await other.hold("zone:5", 30)
    clock.now += 30
    assert await store.hold("zone:5", 30)


async def test_a_place_that_has_gone_to_another_is_not_given_back_by_who_had_it(store, other, clock):
    old = await store.hold("zone:5", 30)
    clock.now += 31
    assert await other.hold("zone:5", 30)
    await store.release(old)
    assert await store.hold("zone:5", 30) is None


async def test_a_note_is_read_by_all_until_it_is_erased_or_ends(store, other, clock):
    await store.write("a", b"note", 60)
    assert await other.read("a") == b"note"
    await other.write("a", b"newer", 60)
    assert await store.read("a") == b"newer"
    clock.now += 60
    assert await other.read("a") is None
    await store.write("a", b"note", 60)
    await store.erase("a")
    assert await other.read("a") is None
    assert await store.read("b") is None


async def test_nothing_in_the_file_can_be_read_and_nobody_else_may(store, tmp_path):
    await store.write("client:34567890", b"Esperanza Benitez", 60)
    await store.spend(limit("client:34567890"))
    assert await store.hold("client:34567890", 60)
    files = list(tmp_path.iterdir())
    everything = b"".join(file.read_bytes() for file in files)
    assert b"34567890" not in everything
    assert b"Esperanza" not in everything
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_a_note_under_another_key_is_no_note(store, tmp_path):
    await store.write("a", b"note", 60)
    stranger = FileStore(tmp_path, Seal("another"))
    assert await stranger.read("a") is None
    await stranger.close()


async def test_what_has_ended_is_removed(store, tmp_path, clock, monkeypatch):
    monkeypatch.setattr("wisphub_api.fleet.file_store.CLEAN_EVERY", 5)
    for number in range(4):
        await store.write(f"{number}", b"note", 60)
    clock.now += 61
    await store.write("new", b"note", 60)
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (1,)
    connection.close()


async def test_without_its_folder_it_goes_on_alone_and_says_so_once(tmp_path, caplog):
    store = FileStore(tmp_path / "gone", SEAL)
    assert [(await store.spend(limit())).used for _ in range(2)] == [1, 2]
    hold = await store.hold("a", 60)
    assert hold
    assert await store.hold("a", 60) is None
    await store.release(hold)
    assert await store.hold("a", 60)
    await store.write("a", b"note", 60)
    assert await store.read("a") == b"note"
    await store.erase("a")
    assert await store.read("a") is None
    await store.close()
    assert caplog.text.count("the store in the snapshot folder cannot be used") == 1


async def test_a_file_that_is_damaged_does_not_stop_it(tmp_path, caplog):
    (tmp_path / "store.sqlite").write_bytes(b"nonsense" * 1000)
    store = FileStore(tmp_path, SEAL)
    assert (await store.spend(limit())).used == 1
    await store.close()
    assert "cannot be used" in caplog.text
