import asyncio
from contextlib import AsyncExitStack

import pytest

from wisphub_api.upstream.budget import PAUSE_S, Budget, Urgency

A_PERSON, A_CRAWL = Urgency.INTERACTIVE, Urgency.BACKGROUND
pytestmark = pytest.mark.looptime


async def call(
    budget: Budget, urgency: Urgency, begun: list[str], name: str = "", lasts_s: float = 1.0
) -> None:
    async with budget.permit(urgency):
        begun.append(name)
        await asyncio.sleep(lasts_s)


async def test_no_more_calls_than_allowed_are_under_way() -> None:
    budget, begun = Budget(2), list[str]()
    calls = [asyncio.create_task(call(budget, A_PERSON, begun)) for _ in range(3)]
    await asyncio.sleep(0.5)
    assert (len(begun), budget.state().under_way, budget.state().waiting) == (2, 2, 1)
    await asyncio.gather(*calls)
    assert budget.state().under_way == 0


async def test_a_crawl_leaves_one_permit_to_people() -> None:
    budget, begun = Budget(3), list[str]()
    crawl = [asyncio.create_task(call(budget, A_CRAWL, begun, "page", 9)) for _ in range(5)]
    await asyncio.sleep(0.1)
    assert begun == ["page"] * 2
    await asyncio.wait_for(call(budget, A_PERSON, begun, "person"), timeout=1.5)
    assert begun == ["page", "page", "person"]
    await asyncio.gather(*crawl)


async def test_a_budget_of_one_serves_crawls_too() -> None:
    begun = list[str]()
    await asyncio.wait_for(call(Budget(1), A_CRAWL, begun, "page"), timeout=2)
    assert begun == ["page"]


async def test_a_person_goes_before_a_page_that_waited_longer() -> None:
    budget, begun = Budget(1), list[str]()
    first = asyncio.create_task(call(budget, A_CRAWL, begun, "first page"))
    await asyncio.sleep(0.1)
    page = asyncio.create_task(call(budget, A_CRAWL, begun, "second page"))
    await asyncio.sleep(0.1)
    person = asyncio.create_task(call(budget, A_PERSON, begun, "person"))
    await asyncio.gather(first, page, person)
    assert begun == ["first page", "person", "second page"]


async def test_what_every_answer_needs_goes_before_other_crawls() -> None:
    budget, begun = Budget(2), list[str]()
    first = asyncio.create_task(call(budget, A_CRAWL, begun, "methods"))
    await asyncio.sleep(0.1)
    others = [asyncio.create_task(call(budget, A_CRAWL, begun, "tickets")) for _ in range(2)]
    await asyncio.sleep(0.1)
    clients = asyncio.create_task(call(budget, Urgency.NEEDED, begun, "clients"))
    await asyncio.gather(first, clients, *others)
    assert begun == ["methods", "clients", "tickets", "tickets"]


async def test_while_every_answer_waits_other_crawls_make_one_call_at_a_time() -> None:
    budget, begun = Budget(8), list[str]()
    clients = asyncio.create_task(call(budget, Urgency.NEEDED, begun, "clients"))
    await asyncio.sleep(0.1)
    others = [asyncio.create_task(call(budget, A_CRAWL, begun, "detail")) for _ in range(5)]
    await asyncio.sleep(0.1)
    assert begun == ["clients", "detail"]
    await clients
    await asyncio.sleep(0.1)
    assert begun == ["clients", *["detail"] * 5]
    await asyncio.gather(*others)


async def test_calls_begin_at_the_rate_allowed() -> None:
    budget = Budget(10, per_s=4)
    start = asyncio.get_running_loop().time()
    await asyncio.gather(*(call(budget, A_CRAWL, [], lasts_s=0) for _ in range(9)))
    assert asyncio.get_running_loop().time() - start == pytest.approx(2.0)


@pytest.mark.parametrize(("says_s", "pauses_s"), [(5.0, 5.0), (None, PAUSE_S)])
async def test_a_429_pauses_every_call(says_s: float | None, pauses_s: float) -> None:
    budget = Budget(10)
    budget.refused(says_s)
    assert budget.state().pauses_s == pytest.approx(pauses_s)
    start = asyncio.get_running_loop().time()
    await call(budget, A_PERSON, [], lasts_s=0)
    assert asyncio.get_running_loop().time() - start == pytest.approx(pauses_s)


async def test_a_429_lowers_the_rate_until_it_is_long_ago() -> None:
    budget = Budget(10)
    await asyncio.gather(*(call(budget, A_CRAWL, [], lasts_s=0) for _ in range(10)))
    budget.refused(1)
    assert budget.per_s == pytest.approx(7)
    await asyncio.sleep(5)
    assert budget.per_s == pytest.approx(7 * 1.5**5)
    await asyncio.sleep(60)
    assert budget.per_s is None


async def test_what_was_learned_never_exceeds_what_is_allowed() -> None:
    budget = Budget(10, per_s=20)
    await asyncio.gather(*(call(budget, A_CRAWL, [], lasts_s=0) for _ in range(10)))
    budget.refused(0)
    assert budget.per_s == pytest.approx(7)
    await asyncio.sleep(30)
    assert budget.per_s == 20


async def test_who_gives_up_waiting_holds_nothing() -> None:
    budget, begun = Budget(1), list[str]()
    first = asyncio.create_task(call(budget, A_PERSON, begun))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(call(budget, A_PERSON, begun))
    await asyncio.sleep(0.1)
    second.cancel()
    await first
    await asyncio.wait_for(call(budget, A_PERSON, begun), timeout=2)
    assert budget.state().under_way == 0


async def test_who_is_cancelled_just_as_the_permit_comes_gives_it_back() -> None:
    budget = Budget(1)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(budget.permit(A_PERSON))
        waiting = asyncio.create_task(call(budget, A_PERSON, []))
        await asyncio.sleep(0.1)
    waiting.cancel()  # granted by the line above, not resumed yet
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert budget.state().under_way == 0
