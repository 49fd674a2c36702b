"""One contract for every backend; `tests/system` holds Redis to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress

import pytest

from wisphub_api.shared.backend import Backend, Lease
from wisphub_api.shared.memory import MemoryBackend
from wisphub_api.shared.sealed import Seal, SealedBackend
from wisphub_api.shared.spending import Limit
from wisphub_api.shared.sqlite import SqliteBackend

Share = Callable[[], Awaitable[Backend]]


@pytest.fixture(params=["memory", "sqlite", "sealed"])
async def share(request, tmp_path) -> AsyncIterator[Share]:
    """Return the backend as one more process has it: in memory it is the same one."""
    memory = MemoryBackend()
    async with AsyncExitStack() as stack:

        async def one_more() -> Backend:
            if request.param == "memory":
                return memory
            file = await stack.enter_async_context(SqliteBackend(tmp_path))
            return file if request.param == "sqlite" else SealedBackend(file, Seal("key"))

        yield one_more


def limit(key: str = "k", most: int = 1_000, window_s: float = 60) -> Limit:
    return Limit(key, most, window_s)


async def used(store: Backend, key: str) -> int:
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


async def test_only_so_many_have_a_lease_at_once(share):
    one, other = await share(), await share()
    first, second = await one.lease("k", 60, 2), await other.lease("k", 60, 2)
    assert first is not None
    assert second is not None
    assert await one.lease("k", 60, 2) is None
    assert await one.lease("another", 60) is not None
    await other.release(first)
    assert await one.lease("k", 60, 2) is not None
    assert await other.lease("k", 60, 2) is None


@pytest.mark.parametrize("most", [0, -1])
async def test_where_there_is_no_place_nobody_has_a_lease(share, most):
    assert await (await share()).lease("k", 60, most) is None


async def test_a_lease_ends_by_itself_and_its_late_release_frees_nobody_elses(share):
    store = await share()
    first = await store.lease("k", 0.2)
    assert first is not None
    await asyncio.sleep(0.25)
    second = await store.lease("k", 60)
    assert second is not None
    await store.release(first)
    assert await store.lease("k", 60) is None
    await store.release(Lease("k", "made up"))
    assert await store.lease("k", 60) is None


async def test_a_lease_that_is_extended_lasts_longer_and_one_that_has_ended_is_not_brought_back(share):
    one, other = await share(), await share()
    lease = await one.lease("k", 0.2)
    assert lease is not None
    await one.extend(lease, 60)
    await asyncio.sleep(0.25)
    assert await other.lease("k", 60) is None
    short = await one.lease("short", 0.1)
    assert short is not None
    await asyncio.sleep(0.15)
    await one.extend(short, 60)
    assert await other.lease("short", 60) is not None


async def test_a_lease_that_its_asker_did_not_wait_for_is_nobodys(share):
    one, other = await share(), await share()
    for _ in range(10):
        asking = asyncio.create_task(one.lease("k", 60))
        await asyncio.sleep(0)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            if lease := await asking:
                await one.release(lease)
        async with asyncio.timeout(30):
            while not (lease := await other.lease("k", 60)):  # noqa: ASYNC110  # nothing tells when
                await asyncio.sleep(0.01)
        await other.release(lease)


async def test_a_short_lease_does_not_end_a_longer_one(share):
    store = await share()
    assert await store.lease("k", 60, 2) is not None
    assert await store.lease("k", 0.1, 2) is not None
    await asyncio.sleep(0.15)
    assert await store.lease("k", 60, 1) is None
    assert await store.lease("k", 60, 2) is not None


async def test_of_two_hundred_at_once_never_more_than_three_have_a_lease(share):
    stores = [await share() for _ in range(3)]
    holding = most = had = 0

    async def take(store: Backend) -> None:
        nonlocal holding, most, had
        lease = await store.lease("k", 60, 3)
        if lease is None:
            return
        holding, had = holding + 1, had + 1
        most = max(most, holding)
        await asyncio.sleep(0.001)
        holding -= 1
        await store.release(lease)

    await asyncio.gather(*(take(stores[number % 3]) for number in range(200)))
    assert most <= 3
    assert had >= 3
    assert [await stores[0].lease("k", 60, 3) is not None for _ in range(4)] == [True, True, True, False]


async def test_of_two_hundred_at_once_exactly_as_many_are_granted_as_the_limit_allows(share):
    stores = [await share() for _ in range(3)]
    limits = [limit("wide"), limit("narrow", 150)]
    spent = await asyncio.gather(*(stores[number % 3].spend(limits) for number in range(200)))
    granted = [one.used for one in spent if one.is_granted]
    assert sorted(granted) == list(range(1, 151))
    assert [await used(stores[0], "wide"), await used(stores[1], "narrow")] == [150, 150]


async def test_a_record_is_read_by_all_until_it_is_deleted(share):
    one, other = await share(), await share()
    assert await one.get("k") is None
    await one.put("k", b"first", 60)
    assert await other.get("k") == b"first"
    await other.put("k", b"second", 60)
    assert await one.get("k") == b"second"
    await other.delete("k")
    assert await one.get("k") is None


async def test_a_record_ends_after_its_time(share):
    store = await share()
    await store.put("k", b"record", 0.1)
    await asyncio.sleep(0.15)
    assert await store.get("k") is None
