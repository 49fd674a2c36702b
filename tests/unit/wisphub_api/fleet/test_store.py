"""One contract for every store; `tests/system` holds Redis to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from wisphub_api.fleet.file_store import FileStore
from wisphub_api.fleet.seal import Seal
from wisphub_api.fleet.spending import Limit
from wisphub_api.fleet.store import Hold, MemoryStore, Store

Share = Callable[[], Awaitable[Store]]


@pytest.fixture(params=["memory", "file"])
async def share(request, tmp_path) -> AsyncIterator[Share]:
    """Return the store as one more process has it: in memory it is the same one."""
    memory = MemoryStore()
    async with AsyncExitStack() as stack:

        async def one_more() -> Store:
            store = memory if request.param == "memory" else FileStore(tmp_path, Seal("key"))
            stack.push_async_callback(store.close)
            return store

        yield one_more


def limit(key: str = "k", most: int = 1_000, window_s: float = 60) -> Limit:
    return Limit(key, most, window_s)


async def used(store: Store, key: str) -> int:
    """Return what has been counted under a key."""
    return (await store.spend([limit(key)], 0)).used


async def test_a_window_counts_what_all_processes_spend(share):
    one, other = await share(), await share()
    assert (await one.spend([limit()])).used == 1
    spent = await other.spend([limit()], 5)
    assert (spent.is_granted, spent.used) == (True, 6)
    assert 50 < spent.ends_s <= 60
    assert [await used(store, key) for store in (one, other) for key in ("k", "another")] == [6, 0, 6, 0]


async def test_no_more_is_granted_than_the_limit_and_what_is_refused_is_not_counted(share):
    store = await share()
    asked = [await store.spend([limit(most=5)], amount) for amount in (4, 2, 0, 1, 1, 0)]
    assert [spent.is_granted for spent in asked] == [True, False, True, True, False, False]
    assert [spent.used for spent in asked] == [4, 4, 4, 5, 5, 5]


async def test_where_one_of_several_limits_refuses_nothing_is_counted_under_the_others(share):
    store = await share()
    wide, narrow = limit("wide", 10, 50), limit("narrow", 2, 60)
    both = [await store.spend([wide, narrow]) for _ in range(4)]
    assert [(spent.is_granted, spent.used) for spent in both] == [
        (True, 1),
        (True, 2),
        (False, 2),
        (False, 2),
    ]
    assert [spent.ends_s > 50 for spent in both] == [False, False, True, True]
    assert [await used(store, "wide"), await used(store, "narrow")] == [2, 2]


async def test_a_window_begins_with_its_first_count_and_is_not_extended(share):
    store = await share()
    assert (await store.spend([limit()], 0)).ends_s == pytest.approx(60)
    await asyncio.sleep(0.05)
    first = await store.spend([limit()])
    assert first.ends_s > 59.96
    await store.spend([limit("short", 1, 0.2)])
    await asyncio.sleep(0.25)
    assert (await store.spend([limit()])).ends_s <= first.ends_s - 0.24
    again = await store.spend([limit("short", 1, 0.2)])
    assert (again.is_granted, again.used) == (True, 1)


async def test_operations_of_one_process_take_effect_in_the_order_in_which_they_were_called(share):
    store = await share()
    asked = [store.spend([limit(most=60)], amount) for amount in [1, 0] * 100]
    spent = await asyncio.gather(*asked)
    assert [one.is_granted for one in spent] == [True] * 119 + [False] * 81
    assert [one.used for one in spent[:120]] == [1 + number // 2 for number in range(120)]


async def test_what_a_caller_who_has_gone_asked_for_is_counted(share):
    store = await share()
    gone = asyncio.create_task(store.spend([limit()]))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await store.spend([limit()])).used == 2


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


async def test_of_two_hundred_at_once_exactly_as_many_are_granted_as_the_limit_allows(share):
    stores = [await share() for _ in range(3)]
    limits = [limit("wide"), limit("narrow", 150)]
    spent = await asyncio.gather(*(stores[number % 3].spend(limits) for number in range(200)))
    granted = [one.used for one in spent if one.is_granted]
    assert sorted(granted) == list(range(1, 151))
    assert [await used(stores[0], "wide"), await used(stores[1], "narrow")] == [150, 150]


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
