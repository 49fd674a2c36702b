"""How many processes there are: soon known, and never believed to be fewer because Redis was away."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from wisphub_api.shared import members as shared_members
from wisphub_api.shared import redis_link
from wisphub_api.shared.members import Members
from wisphub_api.shared.redis_link import RedisLink

KEY = "test:members"
SAY_EVERY_S = 0.2
ALL_ARE_BACK_S = 0.7


@pytest.fixture(autouse=True)
def faster(monkeypatch) -> None:
    monkeypatch.setattr(shared_members, "SAY_EVERY_S", SAY_EVERY_S)
    monkeypatch.setattr(shared_members, "GONE_AFTER_S", 3.0)
    monkeypatch.setattr(shared_members, "LONGEST_TRY_S", ALL_ARE_BACK_S - SAY_EVERY_S)
    monkeypatch.setattr(redis_link, "FIRST_TRY_S", 0.1)


def join(link: RedisLink, clock: Callable[[], float] = time.monotonic) -> tuple[Members, list[int]]:
    told: list[int] = []
    return Members(link, KEY, told.append, clock), told


async def say_it_and_be_killed(url: str) -> None:
    """Let a process say that it is there, and never again, nor that it leaves."""
    link = RedisLink(url, answer_s=60)
    async with Members(link, KEY, lambda _: None):
        await link.__aexit__()


async def test_the_first_says_it_before_anything_is_asked_and_is_one(link):
    members, told = join(link)
    async with members:
        assert told == [1]


async def test_each_that_comes_is_counted_by_all_and_each_that_leaves_is_not(connect, until):
    first, told = join(await connect())
    async with first:
        async with AsyncExitStack() as stack:
            for _ in range(3):
                await stack.enter_async_context(join(await connect())[0])
            await until(lambda: told[-1] == 4)
        await until(lambda: told[-1] == 1)
    assert max(told) == 4


async def test_one_that_was_killed_is_counted_no_more_after_a_while(redis_server, link, until):
    await say_it_and_be_killed(redis_server.url)
    first, told = join(link)
    async with first:
        assert told == [2]
        await until(lambda: told[-1] == 1)


@pytest.mark.parametrize("trouble", ["wipe", "restart", "freeze"])
async def test_after_trouble_with_redis_nobody_takes_the_part_of_who_is_not_back_yet(
    redis_server, link, lose, until, trouble
):
    now = 0.0
    await say_it_and_be_killed(redis_server.url)
    first, told = join(link, lambda: now)
    async with first:
        assert told == [2]
        if trouble == "wipe":
            with redis_server.connected() as connection:
                connection.flushall()
        elif trouble == "restart":
            redis_server.stop()
            await until(lambda: link.state().troubles)
            redis_server.start()
        else:
            redis_server.freeze()
            await lose(link)
            await until(lambda: link.state().troubles)
            redis_server.thaw()
        await until(lambda: link.state().state == "together")
        begun = len(told)
        await until(lambda: len(told) >= begun + 3)
        assert told[-1] == 2
        now += ALL_ARE_BACK_S
        await until(lambda: told[-1] == 1)  # it does not come back


async def test_while_redis_is_away_the_number_stays(redis_server, link, until):
    await say_it_and_be_killed(redis_server.url)
    first, told = join(link)
    async with first:
        redis_server.stop()
        await until(lambda: link.state().state == "alone")
        await asyncio.sleep(3 * SAY_EVERY_S)
    assert set(told) == {2}
