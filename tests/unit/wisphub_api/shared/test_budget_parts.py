"""The part that each process has of WispHub Net's budget."""

import asyncio

import pytest

from wisphub_api.upstream.budget import Budget, Urgency


async def under_way_at_once(budget: Budget) -> int:
    """Count how many of twenty calls may be under way."""

    async def call() -> None:
        async with budget.permit(Urgency.INTERACTIVE):
            await asyncio.sleep(60)

    calls = [asyncio.create_task(call()) for _ in range(20)]
    await asyncio.sleep(0)
    under_way = budget.state().under_way
    for task in calls:
        task.cancel()
    await asyncio.wait(calls)
    return under_way


@pytest.mark.parametrize(
    ("among", "at_once", "per_s"), [(1, 8, 4.0), (2, 4, 2.0), (3, 2, 4 / 3), (8, 1, 0.5), (100, 1, 0.04)]
)
async def test_each_has_its_part_of_the_budget_and_one_call_at_least(among, at_once, per_s):
    paced, budget = Budget(8, 4.0, lambda: 0.0), Budget(8)
    for each in (paced, budget):
        each.share(among)
    assert await under_way_at_once(budget) == at_once
    assert paced.per_s == pytest.approx(per_s)
    for each in (paced, budget):
        each.share(1)
    assert (await under_way_at_once(budget), paced.per_s) == (8, 4.0)


def test_a_budget_without_a_rate_has_none_however_many_share_it():
    budget = Budget(8, None, lambda: 0.0)
    budget.share(3)
    assert budget.per_s is None
