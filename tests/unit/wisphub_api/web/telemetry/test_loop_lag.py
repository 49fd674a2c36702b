"""How late does the loop wake, and for how long is that told?"""

import asyncio
import time

from wisphub_api.web.telemetry.loop_lag import PERIOD_S, LoopLag, RecentMax


async def test_a_blocked_loop_shows_but_for_one_period():
    noted: list[float] = []
    async with LoopLag(noted.append) as lag:
        time.sleep(0.04 + PERIOD_S)  # noqa: ASYNC251  # the fault that is looked for
        overdue_s = lag.highest_s()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert max(noted) >= overdue_s >= 0.04
        assert lag.highest_s() == max(noted)


async def test_every_wake_is_noted_and_the_next_one_set():
    noted: asyncio.Queue[float] = asyncio.Queue()
    async with LoopLag(noted.put_nowait):
        assert min([await noted.get() for _ in range(3)]) >= 0


async def test_once_closed_it_wakes_no_more_and_nothing_is_overdue():
    noted: list[float] = []
    async with LoopLag(noted.append) as lag:
        pass
    time.sleep(2 * PERIOD_S)  # noqa: ASYNC251  # long enough for a timer that was left behind
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (noted, lag.highest_s()) == ([], 0)


def test_the_highest_stays_for_the_window_whoever_reads_it():
    recent = RecentMax(window_s=2)
    recent.add(0.5, now=10)
    recent.add(0.1, now=11)
    assert [recent.read(at) for at in (11, 12, 12.1, 13.1)] == [0.5, 0.5, 0.1, 0]


def test_a_lower_value_counts_once_the_higher_is_too_old():
    recent = RecentMax(window_s=2)
    for now, value in enumerate([9, 7, 8]):
        recent.add(value, now)
    assert [recent.read(at) for at in (2, 2.5, 4, 4.5)] == [9, 8, 8, 0]


def test_what_nobody_reads_is_forgotten_all_the_same():
    recent = RecentMax(window_s=2)
    for now in range(1000):
        recent.add(1000 - now, now)
    assert len(recent._falling) == 3
