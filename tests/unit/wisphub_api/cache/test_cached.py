"""Single flight, refresh ahead, stale rather than late. Time is the event loop's, and flies."""

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.slot import Policy
from wisphub_api.cache.wish import Wish
from wisphub_api.exceptions import CacheUnavailable, NotFreshEnough, UpstreamFailed, UpstreamRateLimited

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

POLICY = Policy(ttl_s=100, max_stale_s=1000, cold_wait_s=15)
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="none")


class Source:
    """Loads 1, 2, 3 … and takes its time."""

    def __init__(self, cost_s: float = 1.0) -> None:
        self.cost_s = cost_s
        self.loads = self.running = self.most_at_once = 0
        self.error: Exception | None = None
        self.request_ids: list[str] = []

    async def load(self, _: object) -> list[Any]:
        self.loads += 1
        number = self.loads
        self.running += 1
        self.most_at_once = max(self.running, self.most_at_once)
        self.request_ids.append(REQUEST_ID.get())
        try:
            await asyncio.sleep(self.cost_s)
        finally:
            self.running -= 1
        if self.error is not None:
            raise self.error
        return [number]


def cached(source: Source, policy: Policy = POLICY) -> Cached[list[Any]]:
    return Cached("things", source.load, policy, len, clock=asyncio.get_running_loop().time, draw=lambda: 0.5)


async def test_a_hundred_cold_readers_share_one_load():
    source = Source()
    async with cached(source) as things:
        readings = await asyncio.gather(*(things.read() for _ in range(100)))
    assert source.loads == 1
    assert {reading.value[0] for reading in readings} == {1}
    assert all(reading.has_waited for reading in readings)


async def test_cold_readers_share_one_load_even_where_nothing_keeps_it_warm():
    source = Source()
    things = cached(source)
    await asyncio.gather(*(things.read() for _ in range(100)))
    assert source.loads == 1


async def test_opening_does_not_wait_for_the_load():
    async with cached(Source(cost_s=5)) as things:
        assert asyncio.get_running_loop().time() == 0
        assert things.state().state == "cold"


async def test_a_cancelled_reader_does_not_cancel_the_load():
    source = Source()
    things = cached(source)
    impatient = asyncio.create_task(things.read())
    await asyncio.sleep(0.5)
    impatient.cancel()
    await asyncio.sleep(1)
    assert (await things.read()).value == [1]
    assert source.loads == 1


async def test_a_load_sees_nothing_of_the_request_that_caused_it():
    source = Source()
    REQUEST_ID.set("a subscriber's request")
    await cached(source).read()
    assert source.request_ids == ["none"]


async def test_a_value_is_replaced_before_it_expires_and_nobody_waits():
    source = Source()
    async with cached(source) as things:
        await things.read()
        begun = asyncio.get_running_loop().time()
        for _ in range(300):
            reading = await things.read()
            assert not reading.is_stale
            assert not reading.has_waited
            await asyncio.sleep(1)
        assert asyncio.get_running_loop().time() == begun + 300
    assert source.loads in (4, 5)
    assert source.most_at_once == 1


async def test_a_slow_refresh_leaves_readers_the_old_value():
    source = Source()
    async with cached(source) as things:
        await things.read()
        source.cost_s = 50
        await asyncio.sleep(110)
        reading = await things.read()
    assert reading.value == [1]
    assert reading.is_stale
    assert reading.ttl_s < 0


async def test_errors_leave_readers_the_stale_value_until_max_stale():
    source = Source()
    async with cached(source) as things:
        await things.read()
        source.error = UpstreamFailed("down", status=500)
        await asyncio.sleep(1090)
        assert (await things.read()).is_stale
        await asyncio.sleep(20)
        with pytest.raises(CacheUnavailable, match="down") as raised:
            await things.read()
    assert 1 <= raised.value.retry_after_s <= 30


async def test_a_refresh_that_works_again_heals():
    source = Source()
    async with cached(source) as things:
        await things.read()
        source.error = UpstreamFailed("down", status=500)
        await asyncio.sleep(500)
        assert things.state().last_error == "down"
        source.error = None
        await asyncio.sleep(31)
        assert not (await things.read()).is_stale
        assert things.state().last_error is None


async def test_a_failed_first_load_is_not_repeated_by_each_reader():
    source = Source()
    source.error = UpstreamFailed("down", status=500)
    async with cached(source) as things:
        answers = await asyncio.gather(*(things.read() for _ in range(100)), return_exceptions=True)
        again = await asyncio.gather(*(things.read() for _ in range(100)), return_exceptions=True)
    assert all(isinstance(answer, CacheUnavailable) for answer in answers + again)
    assert source.loads == 1


async def test_the_next_try_waits_as_long_as_the_upstream_wishes():
    source = Source()
    source.error = UpstreamRateLimited("slow down", retry_after_s=50)
    async with cached(source):
        await asyncio.sleep(49)
        assert source.loads == 1
        await asyncio.sleep(3)
    assert source.loads == 2


async def test_a_reader_waits_no_longer_than_the_cold_wait():
    async with cached(Source(cost_s=60)) as things:
        with pytest.raises(CacheUnavailable, match="still being loaded"):
            await things.read()
        assert asyncio.get_running_loop().time() == 15


async def test_a_reader_gets_what_it_waited_for_however_short_its_life_is():
    things = cached(Source(cost_s=5), Policy(ttl_s=1, max_stale_s=0, cold_wait_s=15))
    reading = await things.read()
    assert (reading.value, reading.has_waited, reading.is_stale) == ([1], True, True)


async def test_invalidate_loads_anew_while_the_old_value_is_given():
    source = Source()
    async with cached(source) as things:
        await things.read()
        await asyncio.sleep(5)
        things.invalidate()
        await asyncio.sleep(0.5)
        assert (await things.read()).value == [1]
        await asyncio.sleep(1)
        assert (await things.read()).value == [2]


async def test_invalidate_during_a_load_causes_another_one_after_it():
    source = Source(cost_s=4)
    async with cached(source) as things:
        await asyncio.sleep(2)
        things.invalidate()
        await asyncio.sleep(7)
        assert (await things.read()).value == [2]
    assert source.most_at_once == 1


async def test_a_bug_in_a_load_does_not_stop_the_refreshing_and_its_place_is_logged(caplog):
    source = Source()
    source.error = ZeroDivisionError("Esperanza")
    async with cached(source) as things:
        await asyncio.sleep(1.5)
        assert things.state().last_error == "internal error (ZeroDivisionError)"
        assert {record.exc_info and record.exc_info[0] for record in caplog.records} == {ZeroDivisionError}
        source.error = None
        await asyncio.sleep(5)
        assert things.state().state == "fresh"


async def test_the_state_counts_what_happened():
    source = Source()
    async with cached(source) as things:
        await things.read()
        await things.read()
        state = things.state()
    assert (state.state, state.size) == ("fresh", 1)
    assert (state.loads, state.good_loads, state.failed_loads) == (1, 1, 0)
    assert (state.hits, state.misses, state.stale_answers) == (1, 1, 0)
    assert (state.age_s, state.last_load_s) == (1, 1)
    assert 50 <= state.next_refresh_s <= 100


async def test_an_expired_value_is_said_to_be_so():
    source = Source()
    things = cached(source)
    await things.read()
    await asyncio.sleep(2000)
    assert things.state().state == "expired"
    assert (await things.read()).value == [2]


async def test_closing_cancels_a_load_under_way():
    source = Source(cost_s=60)
    async with cached(source) as things:
        reader = asyncio.create_task(things.read())
        await asyncio.sleep(1)

    with pytest.raises(CacheUnavailable, match="stopping"):
        await reader
    assert source.running == 0


async def test_a_wish_for_a_newer_value_waits_for_a_load_and_gets_it():
    source = Source()
    async with cached(source) as things:
        await things.read()
        await asyncio.sleep(20)
        reading = await things.read(Wish(max_age_s=10))
    assert (reading.value, reading.has_waited, reading.forwarded) == ([2], True, "request")
    assert reading.age_s == 1


async def test_a_stale_value_that_is_not_wished_for_is_waited_for_and_said_to_be_why():
    source = Source(cost_s=4)
    things = cached(source)
    await things.read()
    await asyncio.sleep(150)
    assert (await things.read(Wish(max_stale_s=100))).is_stale
    assert (await things.read(Wish(max_stale_s=0))).forwarded == "stale"


async def test_many_wishes_join_one_load_under_way():
    source = Source()
    async with cached(source) as things:
        await things.read()
        await asyncio.sleep(20)
        things.invalidate()
        await asyncio.sleep(0.5)
        readings = await asyncio.gather(*(things.read(Wish(max_age_s=0)) for _ in range(100)))
    assert {reading.value[0] for reading in readings} == {2}
    assert source.loads == 2


async def test_wishes_never_cause_more_than_one_load_in_five_seconds():
    source = Source(cost_s=0.1)
    async with cached(source) as things:
        begun = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < begun + 60:
            await things.read(Wish(max_age_s=0))
            await asyncio.sleep(0.25)
    assert 10 <= source.loads <= 13


async def test_a_wish_for_what_is_in_memory_never_waits():
    source = Source()
    async with cached(source) as things:
        with pytest.raises(NotFreshEnough):
            await things.read(Wish(only_if_cached=True))
        await things.read()
        assert (await things.read(Wish(only_if_cached=True))).value == [1]
        await asyncio.sleep(20)
        with pytest.raises(NotFreshEnough):
            await things.read(Wish(only_if_cached=True, max_age_s=10))
    assert source.loads == 1


async def test_where_the_load_fails_a_wish_is_refused_and_other_readers_are_not():
    source = Source()
    async with cached(source) as things:
        await things.read()
        await asyncio.sleep(20)
        source.error = UpstreamRateLimited("slow down", retry_after_s=50)
        with pytest.raises(NotFreshEnough, match="slow down") as raised:
            await things.read(Wish(max_age_s=10))
        assert (await things.read()).value == [1]
        assert (await things.read(Wish(max_age_s=10, stale_if_error_s=0))).value == [1]
    assert raised.value.retry_after_s == 50
    assert source.loads == 2


async def test_a_wish_waits_no_longer_than_the_cold_wait():
    source = Source()
    async with cached(source) as things:
        await things.read()
        await asyncio.sleep(20)
        source.cost_s = 60
        begun = asyncio.get_running_loop().time()
        with pytest.raises(NotFreshEnough, match="still being loaded"):
            await things.read(Wish(max_age_s=10))
        assert asyncio.get_running_loop().time() == begun + 15


async def test_an_amendment_is_seen_at_once_and_makes_the_value_no_younger():
    async with cached(Source()) as things:
        await things.read()
        await asyncio.sleep(20)
        await things.amend(lambda value: [*value, "amended"])
        reading = await things.read()
    assert (reading.value, reading.age_s) == ([1, "amended"], 21)


async def test_a_load_that_began_before_an_amendment_does_not_undo_it():
    async with cached(Source(cost_s=4)) as things:
        await things.read()
        things.invalidate()
        await asyncio.sleep(2)
        await things.amend(lambda value: [*value, "amended"])
        await asyncio.sleep(3)
        assert (await things.read()).value == [2, "amended"]
        things.invalidate()
        await asyncio.sleep(5)
        assert (await things.read()).value == [3]


async def test_a_first_load_brings_the_amendments_made_meanwhile_in_their_order():
    async with cached(Source(cost_s=4)) as things:
        await asyncio.sleep(1)
        await things.amend(lambda value: [*value, "a"])
        await things.amend(lambda value: [*value, "b"])
        assert (await things.read()).value == [1, "a", "b"]


async def test_a_load_that_fails_leaves_the_amendment():
    source = Source(cost_s=4)
    async with cached(source) as things:
        await things.read()
        source.error = UpstreamFailed("down", status=500)
        things.invalidate()
        await asyncio.sleep(1)
        await things.amend(lambda value: [*value, "amended"])
        await asyncio.sleep(20)
        assert (await things.read()).value == [1, "amended"]
