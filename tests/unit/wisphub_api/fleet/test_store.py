"""One contract for every store; `tests/system` holds Redis to it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from wisphub_api.fleet.store import Hold, MemoryStore, Store

Share = Callable[[], Awaitable[Store]]


@pytest.fixture
def share() -> Share:
    """Return the store as one more process has it: in memory it is the same one."""
    memory = MemoryStore()

    async def one_more() -> Store:
        return memory

    return one_more


async def test_a_window_counts_what_all_add(share):
    one, other = await share(), await share()
    assert (await one.count("k", 60)).used == 1
    assert (await other.count("k", 60, 5)).used == 6
    count = await one.count("k", 60, 0)
    assert count.used == 6
    assert 50 < count.ends_s <= 60
    assert (await one.count("another", 60)).used == 1


async def test_what_is_taken_back_is_not_counted(share):
    store = await share()
    await store.count("k", 60, 3)
    assert (await store.count("k", 60, -2)).used == 1
    assert (await store.count("new", 60, -1)).used == -1


async def test_a_window_begins_with_its_first_and_is_not_made_longer(share):
    store = await share()
    first = await store.count("long", 60)
    await store.count("short", 0.2)
    await asyncio.sleep(0.25)
    assert (await store.count("long", 60)).ends_s <= first.ends_s - 0.24
    assert (await store.count("short", 0.2)).used == 1


async def test_only_so_many_hold_a_key_at_once(share):
    one, other = await share(), await share()
    first, second = await one.hold("k", 60, 2), await other.hold("k", 60, 2)
    assert first is not None
    assert second is not None
    assert await one.hold("k", 60, 2) is None
    assert await one.hold("another", 60) is not None
    await other.release(first)
    assert await one.hold("k", 60, 2) is not None
    assert await other.hold("k", 60, 2) is None


@pytest.mark.parametrize("most", [0, -1])
async def test_where_there_is_no_place_nobody_holds_one(share, most):
    assert await (await share()).hold("k", 60, most) is None


async def test_a_hold_ends_by_itself_and_its_late_release_frees_nobody_elses(share):
    store = await share()
    first = await store.hold("k", 0.2)
    assert first is not None
    await asyncio.sleep(0.25)
    second = await store.hold("k", 60)
    assert second is not None
    await store.release(first)
    assert await store.hold("k", 60) is None
    await store.release(Hold("k", "made up"))
    assert await store.hold("k", 60) is None


async def test_a_short_hold_does_not_end_a_longer_one(share):
    store = await share()
    assert await store.hold("k", 60, 2) is not None
    assert await store.hold("k", 0.1, 2) is not None
    await asyncio.sleep(0.15)
    assert await store.hold("k", 60, 1) is None
    assert await store.hold("k", 60, 2) is not None


async def test_of_two_hundred_at_once_never_more_than_three_hold_it(share):
    stores = [await share() for _ in range(3)]
    holding = most = had = 0

    async def take(store: Store) -> None:
        nonlocal holding, most, had
        hold = await store.hold("k", 60, 3)
        if hold is None:
            return
        holding, had = holding + 1, had + 1
        most = max(most, holding)
        await asyncio.sleep(0.001)
        holding -= 1
        await store.release(hold)

    await asyncio.gather(*(take(stores[number % 3]) for number in range(200)))
    assert most <= 3
    assert had >= 3
    assert [await stores[0].hold("k", 60, 3) is not None for _ in range(4)] == [True, True, True, False]


async def test_of_two_hundred_counts_none_is_lost(share):
    stores = [await share() for _ in range(3)]
    counts = await asyncio.gather(*(stores[number % 3].count("k", 60) for number in range(200)))
    assert sorted(count.used for count in counts) == list(range(1, 201))


async def test_a_note_is_read_by_all_until_it_is_taken_away(share):
    one, other = await share(), await share()
    assert await one.read("k") is None
    await one.write("k", b"first", 60)
    assert await other.read("k") == b"first"
    await other.write("k", b"second", 60)
    assert await one.read("k") == b"second"
    await other.erase("k")
    assert await one.read("k") is None


async def test_a_note_is_forgotten_after_its_time(share):
    store = await share()
    await store.write("k", b"note", 0.1)
    await asyncio.sleep(0.15)
    assert await store.read("k") is None
