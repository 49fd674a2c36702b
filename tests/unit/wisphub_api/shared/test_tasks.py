"""Tasks that go on whatever happens, and end when they are told."""

import asyncio

import pytest

from wisphub_api.shared.tasks import AFTER_ERROR_S, at_once, end, for_ever

pytestmark = pytest.mark.looptime


async def test_a_step_that_fails_is_told_and_done_again_after_a_while(caplog):
    begun: list[float] = []

    async def step() -> None:
        begun.append(asyncio.get_running_loop().time())
        if len(begun) == 1:
            raise ValueError("nobody foresaw this")
        await asyncio.sleep(60)

    task = asyncio.create_task(for_ever(step, "work"))
    await asyncio.sleep(2 * AFTER_ERROR_S)
    assert not task.done()
    await end(task)
    assert [at - begun[0] for at in begun] == [0, pytest.approx(AFTER_ERROR_S)]
    assert caplog.messages == ["work: a step failed, and is done again"]


async def test_a_task_that_loses_its_cancellation_ends_all_the_same():
    lost: list[int] = []

    async def lose_two() -> None:
        while len(lost) < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                lost.append(1)
        await asyncio.sleep(60)

    task = asyncio.create_task(lose_two())
    await asyncio.sleep(1)
    await end(task)
    assert task.cancelled()
    assert len(lost) == 2


async def test_to_end_what_has_ended_takes_no_time():
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    before = asyncio.get_running_loop().time()
    await end(task)
    assert asyncio.get_running_loop().time() == before


def test_a_coroutine_that_waits_for_nothing_needs_no_task():
    async def inner() -> int:
        return 7

    async def outer() -> int:
        return await inner() + 1

    assert at_once(outer()) == 8


async def test_a_coroutine_that_waits_is_not_left_half_done():
    ended = []

    async def wait() -> None:
        try:
            await asyncio.sleep(1)
        finally:
            ended.append(1)

    with pytest.raises(RuntimeError, match="waits"):
        at_once(wait())
    assert ended == [1]
