"""A zone's limit, however many ask at once and whatever becomes of them."""

import asyncio
from random import Random

import pytest

from wisphub_api.exceptions import CacheUnavailable, UpstreamFailed, UpstreamUncertain, ZoneLimitReached
from wisphub_api.tickets.models import ZoneState
from wisphub_api.tickets.zones import LEASE_S, Opened, OpenTickets, ZoneLimit

pytestmark = pytest.mark.looptime


async def count(zones) -> int:
    open_tickets: int = (await zones.state(5)).value.open_tickets
    return open_tickets


@pytest.mark.parametrize(("held", "is_blocked"), [(0, False), (2, False), (3, True), (4, True)])
async def test_a_zone_is_blocked_from_its_limit_on(zones, upstream, held, is_blocked):
    for zone in (5,) * held + (6, None):
        upstream.add(zone)
    assert (await zones.state(5)).value == ZoneState(5, is_blocked, held, 3)


async def test_a_place_that_was_used_counts_at_once_and_only_once_after_a_refresh(zones, upstream):
    async with zones.place(5) as place:
        assert await count(zones) == 1
        upstream.add(5)
        place.ticket_id = 5001
    assert await count(zones) == 1
    await asyncio.sleep(60)
    assert await count(zones) == 1


async def test_a_load_that_began_before_the_ticket_was_opened_does_not_hide_it(zones, upstream, open_tickets):
    await zones.state(5)
    await asyncio.sleep(1)
    upstream.delay_s = 2
    upstream.gets = [upstream.list()]  # what it reads is what there was when it began
    open_tickets.invalidate()
    await asyncio.sleep(1)
    async with zones.place(5) as place:
        upstream.add(5)
        place.ticket_id = 5001
    await asyncio.sleep(2)
    assert (open_tickets.state().good_loads, await count(zones)) == (2, 1)


async def test_of_many_at_once_no_more_pass_than_there_are_places(zones):
    async def open_slowly() -> None:
        async with zones.place(5):
            await asyncio.sleep(1)

    ends = await asyncio.gather(*(open_slowly() for _ in range(20)), return_exceptions=True)
    assert [type(end) for end in ends if end is not None] == [ZoneLimitReached] * 17
    assert "Zone 5 has 3 open tickets" in str(ends[-1])


async def test_a_place_is_given_back_where_nothing_was_opened(zones):
    with pytest.raises(UpstreamFailed):
        async with zones.place(5):
            raise UpstreamFailed("refused", status=400)
    assert await count(zones) == 0


@pytest.mark.parametrize(
    "end", [UpstreamUncertain("no answer"), ZeroDivisionError(), asyncio.CancelledError()]
)
async def test_a_place_stays_taken_until_the_next_load_where_a_ticket_may_have_been_opened(zones, end):
    with pytest.raises(type(end)):
        async with zones.place(5):
            raise end
    assert await count(zones) == 1
    await asyncio.sleep(60)
    assert await count(zones) == 0


def test_a_ticket_is_counted_once_however_often_it_is_told():
    tickets = OpenTickets({1: 5}).plus(5, 1).plus(5, 2).plus(5, 2).plus(6, 3)
    assert (tickets.in_zone(5), tickets.in_zone(6), len(tickets)) == (2, 1, 3)


def test_a_ticket_that_may_be_open_is_counted_once_however_often_it_is_told():
    tickets = OpenTickets({1: 5})
    for token in ("a", "b", "a"):
        tickets = Opened(5, None, token)(tickets)
    assert (Opened(5, 2, "c")(tickets).in_zone(5), len(tickets)) == (4, 1)


async def test_of_many_at_once_at_several_workers_no_more_pass_than_there_are_places(zones_of_workers):
    await have_read(zones_of_workers)
    passed = await asyncio.gather(*(opens(zones_of_workers[number % 3], number) for number in range(21)))
    assert sum(passed) == 3


async def test_what_one_worker_has_opened_counts_for_another_that_has_not_read_it_yet(zones_of_workers):
    first, second, _ = await have_read(zones_of_workers)
    assert [await opens(first, number) for number in range(3)] == [True] * 3
    assert await count(second) == 0
    assert not await opens(second, 3)
    assert await count(second) == 3


async def test_what_one_worker_may_have_opened_counts_for_another(zones_of_workers):
    first, second, _ = await have_read(zones_of_workers)
    for _ in range(3):
        with pytest.raises(UpstreamUncertain):
            async with first.place(5):
                raise UpstreamUncertain("no answer")
    assert not await opens(second, 3)


@pytest.mark.parametrize("seed", range(30))
async def test_whenever_they_come_no_more_pass_than_there_are_places(zones_of_workers, seed):
    draw = Random(seed)  # noqa: S311  # chance that can be repeated
    await have_read(zones_of_workers)

    async def come(number: int) -> bool:
        await asyncio.sleep(draw.uniform(0, 0.03))
        return await opens(zones_of_workers[number % 3], number, seconds=draw.uniform(0, 0.01))

    assert sum(await asyncio.gather(*(come(number) for number in range(21)))) == 3


async def test_the_place_of_a_worker_that_has_died_is_free_again_in_time(zones_of_workers):
    first, second, _ = await have_read(zones_of_workers)
    for _ in range(3):
        await first._take(5)
    assert not await opens(second, 1)
    await asyncio.sleep(LEASE_S)
    assert await opens(second, 1)


async def test_a_place_that_cannot_be_checked_is_given_back(zones_of_workers, monkeypatch):
    first, second, _ = await have_read(zones_of_workers)

    async def fail() -> None:
        raise CacheUnavailable("lost", retry_after_s=1)

    monkeypatch.setattr(first._tickets, "catch_up", fail)
    for _ in range(3):
        with pytest.raises(CacheUnavailable):
            await opens(first, 1)
    assert await opens(second, 1)


async def have_read(workers: list[ZoneLimit]) -> list[ZoneLimit]:
    """Let all workers read the open tickets: of what is opened later they read nothing for a minute."""
    for zones in workers:
        await count(zones)
    return workers


async def opens(zones: ZoneLimit, number: int, seconds: float = 0.5) -> bool:
    """Open a ticket, if there is a place."""
    try:
        async with zones.place(5) as place:
            await asyncio.sleep(seconds)
            place.ticket_id = number
    except ZoneLimitReached:
        return False
    return True
