"""How many processes there are: soon known, and never believed to be fewer because Redis was away."""

from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from wisphub_api.fleet import members as fleet_members
from wisphub_api.fleet import redis_link
from wisphub_api.fleet.members import Members
from wisphub_api.fleet.redis_link import RedisLink
from wisphub_api.upstream.budget import Budget

Join = Callable[[RedisLink], tuple[Members, list[int]]]


@pytest.fixture(autouse=True)
def faster(monkeypatch) -> None:
    monkeypatch.setattr(fleet_members, "SAY_EVERY_S", 0.2)
    monkeypatch.setattr(fleet_members, "GONE_AFTER_S", 3.0)
    monkeypatch.setattr(fleet_members, "LONGEST_TRY_S", 4.0)
    monkeypatch.setattr(redis_link, "FIRST_TRY_S", 0.1)


def join(link: RedisLink) -> tuple[Members, list[int]]:
    told: list[int] = []
    return Members(link, "test:members", told.append), told


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


async def test_one_that_was_killed_is_counted_no_more_after_a_while(connect, until):
    first, told = join(await connect())
    killed, _ = join(await connect())
    async with first:
        await killed._say()
        await until(lambda: told[-1] == 2)
        await until(lambda: told[-1] == 1)


@pytest.mark.parametrize("trouble", ["wipe", "restart", "freeze"])
async def test_after_trouble_with_redis_nobody_takes_the_part_of_who_is_not_back_yet(
    redis_server, link, connect, until, trouble
):
    first, told = join(link)
    away, _ = join(await connect())
    async with first:
        await away._say()
        await until(lambda: told[-1] == 2)
        if trouble == "wipe":
            with redis_server.connected() as connection:
                connection.flushall()
        elif trouble == "restart":
            redis_server.stop()
            await until(lambda: link.state().troubles)
            redis_server.start()
        else:
            link._answer_s = 0.1
            redis_server.freeze()
            link._go_alone("it does not answer in time")
            await until(lambda: link.state().troubles)
            redis_server.thaw()
        await until(lambda: link.state().state == "together")
        begun = len(told)
        await until(lambda: len(told) >= begun + 3)
        assert told[-1] == 2
        await until(lambda: told[-1] == 1)  # it does not come back


async def test_while_redis_is_away_the_number_stays(redis_server, connect, until):
    first, told = join(await connect())
    second, _ = join(await connect())
    async with first, second:
        await until(lambda: told[-1] == 2)
        redis_server.stop()
        await until(lambda: first._link.state().state == "alone")
        count = len(told)
        await first._say()
        assert len(told) == count


@pytest.mark.parametrize(
    ("among", "at_once", "per_s"), [(1, 8, 4.0), (2, 4, 2.0), (3, 2, 4 / 3), (8, 1, 0.5), (100, 1, 0.04)]
)
def test_each_has_its_part_of_the_budget_and_one_call_at_least(among, at_once, per_s):
    budget = Budget(8, 4.0, lambda: 0.0)
    budget.share(among)
    assert budget._at_once == at_once
    assert budget.per_s == pytest.approx(per_s)
    budget.share(1)
    assert (budget._at_once, budget.per_s) == (8, 4.0)


def test_a_budget_without_a_rate_has_none_however_many_share_it():
    budget = Budget(8, None, lambda: 0.0)
    budget.share(3)
    assert budget.per_s is None
