"""One request, one key, one answer, whichever worker it comes to."""

import asyncio
import datetime as dt
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from wisphub_api.exceptions import InvalidRequest, UpstreamFailed, UpstreamUncertain
from wisphub_api.tickets.due_date import COLOMBIA
from wisphub_api.tickets.idempotency import LEASE_S, LONGEST_S, Begun, IdempotencyStore, Operation
from wisphub_api.tickets.models import Ticket, TicketRequest

pytestmark = pytest.mark.looptime
KEY = ("bot", "key-1")
REQUEST = TicketRequest(7, "Internet Lento", "Perro bravo")
ANOTHER = TicketRequest(7, "Internet Lento", "Otra cosa")
DONE_NOT = UpstreamFailed("refused", status=400)
DOUBT = UpstreamUncertain("no answer")


def ticket(number: int) -> Ticket:
    starts = dt.datetime(2026, 11, 23, 10, 15, tzinfo=COLOMBIA)
    return Ticket(number, 7, 5, 91, "Internet Lento", 2, "1", "Perro bravo", None, starts, starts)


FIRST = ticket(1)


class Opening:
    """Opens a ticket in a second; fails with each of `errors` first, and keeps what it was called with."""

    def __init__(self, order: Any, *errors: BaseException, number: int = 1) -> None:
        self._order = order
        self._errors = list(errors)
        self._ticket = ticket(number)
        self.seconds = 1.0
        self.begun: list[Begun | None] = []

    async def __call__(self, save: Any, begun: Begun | None) -> Ticket:
        self.begun.append(begun)
        await save(Begun(self._order, 1000.0 + len(self.begun)))
        await asyncio.sleep(self.seconds)
        if self._errors:
            raise self._errors.pop(0)
        return self._ticket

    @property
    def calls(self) -> int:
        """How often it was called."""
        return len(self.begun)


Make = Callable[..., Any]


@pytest.fixture
def opening(order) -> Make:
    """Make what opens a ticket."""
    return lambda *errors, **options: Opening(order, *errors, **options)


@pytest.fixture
def answers(store) -> IdempotencyStore:
    return IdempotencyStore(store)


@pytest.fixture
def workers(distant) -> list[IdempotencyStore]:
    """Give the same of two workers with one store."""
    return [IdempotencyStore(distant), IdempotencyStore(distant)]


async def fails(answers: IdempotencyStore, operation: Operation, kind: type[BaseException]) -> None:
    with pytest.raises(kind):
        await answers.run_once(KEY, REQUEST, operation)


async def test_a_repeat_gets_the_first_answer_and_nothing_is_done(answers, opening):
    first, second = opening(), opening(number=2)
    given = [await answers.run_once(KEY, REQUEST, each) for each in (first, second)]
    assert (given, second.calls) == ([FIRST] * 2, 0)
    assert len({msgspec.json.encode(each) for each in given}) == 1


async def test_of_two_at_once_the_second_waits_for_the_first(answers, opening):
    opening = opening()
    given = await asyncio.gather(*(answers.run_once(KEY, REQUEST, opening) for _ in range(5)))
    assert (given, opening.calls) == ([FIRST] * 5, 1)


async def test_a_key_that_came_with_another_request_is_refused(answers, opening):
    await answers.run_once(KEY, REQUEST, opening())
    with pytest.raises(InvalidRequest, match="another request before") as raised:
        await answers.run_once(KEY, ANOTHER, opening())
    assert raised.value.field == "Idempotency-Key"


@pytest.mark.parametrize("other", [0, 1], ids=["the same worker", "another worker"])
async def test_a_key_that_is_at_work_with_another_request_is_refused_at_once(workers, opening, other):
    running = asyncio.create_task(workers[0].run_once(KEY, REQUEST, opening()))
    await asyncio.sleep(0.1)
    with pytest.raises(InvalidRequest):
        await workers[other].run_once(KEY, ANOTHER, opening())
    assert asyncio.get_running_loop().time() < 0.2
    assert await running == FIRST


async def test_two_callers_may_have_the_same_key(answers, opening):
    await answers.run_once(("bot", "key"), REQUEST, opening())
    assert await answers.run_once(("app", "key"), ANOTHER, opening(number=2)) == ticket(2)


async def test_what_was_not_done_is_forgotten(answers, opening):
    await fails(answers, opening(DONE_NOT), UpstreamFailed)
    again = opening()
    assert await answers.run_once(KEY, ANOTHER, again) == FIRST
    assert again.begun == [None]


async def test_those_who_wait_for_one_that_fails_fail_too(answers, opening):
    opening = opening(DONE_NOT)
    given = await asyncio.gather(
        *(answers.run_once(KEY, REQUEST, opening) for _ in range(3)), return_exceptions=True
    )
    assert (given, opening.calls) == ([DONE_NOT] * 3, 1)


@pytest.mark.parametrize("error", [DOUBT, ZeroDivisionError()])
@pytest.mark.parametrize("other", [0, 1], ids=["the same worker", "another worker"])
async def test_after_an_uncertain_outcome_a_repeat_gets_what_was_begun(workers, opening, order, error, other):
    await fails(workers[0], opening(error), type(error))
    again = opening()
    assert await workers[other].run_once(KEY, REQUEST, again) == FIRST
    assert again.begun == [Begun(order, 1001.0)]


async def test_a_key_whose_outcome_is_uncertain_takes_no_other_request(answers, opening):
    await fails(answers, opening(DOUBT), UpstreamUncertain)
    with pytest.raises(InvalidRequest):
        await answers.run_once(KEY, ANOTHER, opening())


async def test_a_caller_who_goes_away_does_not_stop_what_is_under_way(answers, opening):
    opening = opening()
    caller = asyncio.create_task(answers.run_once(KEY, REQUEST, opening))
    await asyncio.sleep(0.5)
    caller.cancel()
    assert await answers.run_once(KEY, REQUEST, opening) == FIRST
    assert opening.calls == 1


async def test_an_answer_is_forgotten_after_a_day(answers, opening):
    await answers.run_once(KEY, REQUEST, opening())
    await asyncio.sleep(86_390)
    assert await answers.run_once(KEY, REQUEST, opening(number=2)) == FIRST
    await asyncio.sleep(20)
    assert await answers.run_once(KEY, REQUEST, opening(number=2)) == ticket(2)


async def test_what_is_kept_tells_neither_caller_nor_key_by_its_name(store, answers, opening):
    await answers.run_once(("bot", "3001234567"), REQUEST, opening())
    (name,) = store._records._entries
    assert not [part for part in ("bot", "3001234567") if part in name]


async def test_of_many_workers_at_once_one_opens_and_all_give_its_answer(distant, opening):
    openings = [opening() for _ in range(8)]
    given = await asyncio.gather(
        *(IdempotencyStore(distant).run_once(KEY, REQUEST, opening) for opening in openings)
    )
    assert (given, sum(opening.calls for opening in openings)) == ([FIRST] * 8, 1)


async def test_a_repeat_at_another_worker_gets_the_first_answer(workers, opening):
    second = opening(number=2)
    assert await workers[0].run_once(KEY, REQUEST, opening()) == FIRST
    assert await workers[1].run_once(KEY, REQUEST, second) == FIRST
    assert second.calls == 0


async def test_a_worker_that_waits_for_one_that_fails_does_it_itself(workers, opening):
    first, second = opening(DONE_NOT), opening(number=2)
    given = await asyncio.gather(
        *(worker.run_once(KEY, REQUEST, each) for worker, each in zip(workers, (first, second), strict=True)),
        return_exceptions=True,
    )
    assert (given, second.begun) == ([DONE_NOT, ticket(2)], [None])


async def test_the_wait_for_another_worker_has_an_end(workers, opening):
    slow = opening()
    slow.seconds = 60.0
    running = asyncio.create_task(workers[0].run_once(KEY, REQUEST, slow))
    await asyncio.sleep(0.1)
    with pytest.raises(UpstreamUncertain, match="still being carried out"):
        await workers[1].run_once(KEY, REQUEST, opening())
    assert 30 <= asyncio.get_running_loop().time() <= 31
    assert await running == FIRST


async def test_after_a_worker_has_died_another_gets_what_it_had_begun(dying_store, workers, opening, order):
    hanging = opening()
    hanging.seconds = 3600.0
    dying = asyncio.create_task(IdempotencyStore(dying_store).run_once(KEY, REQUEST, hanging))
    await asyncio.sleep(1)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.wait({dying})
    await asyncio.sleep(LEASE_S)
    again = opening()
    assert await workers[1].run_once(KEY, REQUEST, again) == FIRST
    assert again.begun == [Begun(order, 1001.0)]


@pytest.fixture
def dying_store(store) -> Any:
    """Give the store as a process uses it that dies: it gives nothing back."""

    async def release(_: Any) -> None: ...

    return SimpleNamespace(lease=store.lease, get=store.get, put=store.put, release=release)


async def test_what_another_release_has_written_down_is_not_done_again(store, answers, opening):
    await answers.run_once(KEY, REQUEST, opening())
    (name,) = store._records._entries
    await store.put(name, b'{"request": 5, "answer": "Perro bravo"}', 60)
    again = opening()
    with pytest.raises(UpstreamUncertain, match="another release") as raised:
        await answers.run_once(KEY, REQUEST, again)
    assert (again.calls, "Perro" in str(raised.value)) == (0, False)


async def test_what_takes_too_long_is_given_up_before_its_hold_ends(answers, opening, order):
    slow = opening()
    slow.seconds = 3600.0
    with pytest.raises(UpstreamUncertain, match="in time"):
        await answers.run_once(KEY, REQUEST, slow)
    assert asyncio.get_running_loop().time() == LONGEST_S < LEASE_S
    again = opening()
    await answers.run_once(KEY, REQUEST, again)
    assert again.begun == [Begun(order, 1001.0)]
