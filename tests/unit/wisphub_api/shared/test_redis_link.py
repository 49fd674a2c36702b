"""How often a Redis in trouble is tried again, and what is said of it."""

import asyncio

import pytest
from redis.exceptions import ReadOnlyError

from wisphub_api.shared import redis_link
from wisphub_api.shared.redis_link import RedisLink, describe


async def test_it_is_tried_ever_less_often_and_often_again_after_a_long_peace(monkeypatch):
    waits: list[float] = []
    now = 0.0
    own, sleep = asyncio.get_running_loop(), asyncio.sleep

    async def note(seconds: float) -> None:
        if asyncio.get_running_loop() is not own:  # the simulator's, in its thread
            await sleep(seconds)
        else:
            waits.append(seconds)
            await sleep(0)

    monkeypatch.setattr(redis_link, "FIRST_TRY_S", 0.1)
    link = RedisLink("redis://127.0.0.1:1/0", clock=lambda: now)

    async def fail_times(failures: int) -> None:
        outcomes = iter([False] * (failures + 1) + [True])

        async def is_well() -> bool:
            return next(outcomes)

        monkeypatch.setattr(link, "_is_well", is_well)
        await link._heal()

    monkeypatch.setattr(asyncio, "sleep", note)
    await fail_times(6)
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4])
    waits.clear()
    await fail_times(1)
    assert waits == [pytest.approx(12.8), redis_link.LONGEST_TRY_S]
    waits.clear()
    now = redis_link.STEADY_S + 1
    await fail_times(0)
    assert waits == [redis_link.FIRST_TRY_S]
    assert link.state().troubles == 3


def test_what_is_wrong_is_said_without_what_was_asked():
    assert describe(ReadOnlyError("READONLY Esperanza")) == "it refuses (ReadOnlyError)"
    assert describe(OSError("Esperanza")) == "it cannot be reached"
