"""One request, one key, one answer."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from wisphub_api.exceptions import InvalidRequest, UpstreamFailed, UpstreamUncertain
from wisphub_api.tickets.first_answers import FirstAnswers

pytestmark = pytest.mark.looptime
KEY = ("bot", "key-1")
DONE_NOT = UpstreamFailed("refused", status=400)
DOUBT = UpstreamUncertain("no answer")


class Act:
    """Takes a second; fails with each of `errors` first, and counts how often it is called."""

    def __init__(self, *errors: Exception, answer: str = "ticket 1") -> None:
        self.errors = list(errors)
        self.answer = answer
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        await asyncio.sleep(1)
        if self.errors:
            raise self.errors.pop(0)
        return self.answer


@pytest.fixture
def answers() -> FirstAnswers[str]:
    return FirstAnswers(keep_s=100, most=3, clock=lambda: asyncio.get_running_loop().time())


async def fails(
    answers: FirstAnswers[str], act: Callable[[], Coroutine[Any, Any, str]], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        await answers.give(KEY, "request", act)


async def test_a_repeat_gets_the_first_answer_and_nothing_is_done(answers):
    first, second = Act(), Act(answer="ticket 2")
    given = [await answers.give(KEY, "request", act) for act in (first, second)]
    assert (given, second.calls) == (["ticket 1"] * 2, 0)


async def test_of_two_at_once_the_second_waits_for_the_first(answers):
    act = Act()
    given = await asyncio.gather(*(answers.give(KEY, "request", act) for _ in range(5)))
    assert (given, act.calls) == (["ticket 1"] * 5, 1)


async def test_a_key_that_came_with_another_request_is_refused(answers):
    await answers.give(KEY, "request", Act())
    with pytest.raises(InvalidRequest, match="another request before") as raised:
        await answers.give(KEY, "another", Act())
    assert raised.value.field == "Idempotency-Key"


async def test_a_key_that_is_at_work_with_another_request_is_refused_at_once(answers):
    running = asyncio.create_task(answers.give(KEY, "request", Act()))
    await asyncio.sleep(0)
    with pytest.raises(InvalidRequest):
        await answers.give(KEY, "another", Act())
    assert (await running, asyncio.get_running_loop().time()) == ("ticket 1", 1)


async def test_two_callers_may_have_the_same_key(answers):
    await answers.give(("bot", "key"), "request", Act())
    assert await answers.give(("app", "key"), "another", Act(answer="ticket 2")) == "ticket 2"


async def test_what_was_not_done_is_forgotten(answers):
    await fails(answers, Act(DONE_NOT), UpstreamFailed)
    assert await answers.give(KEY, "another", Act()) == "ticket 1"


async def test_those_who_wait_for_one_that_fails_are_told_so(answers):
    act = Act(DONE_NOT)
    given = await asyncio.gather(
        *(answers.give(KEY, "request", act) for _ in range(3)), return_exceptions=True
    )
    assert (given, act.calls) == ([DONE_NOT] * 3, 1)


@pytest.mark.parametrize("error", [DOUBT, ZeroDivisionError()])
async def test_after_an_uncertain_outcome_the_first_requests_own_act_is_called_again(answers, error):
    first, second = Act(error), Act(answer="ticket 2")
    await fails(answers, first, type(error))
    assert await answers.give(KEY, "request", second) == "ticket 1"
    assert (first.calls, second.calls) == (2, 0)


async def test_a_key_whose_outcome_is_uncertain_takes_no_other_request(answers):
    await fails(answers, Act(DOUBT), UpstreamUncertain)
    with pytest.raises(InvalidRequest):
        await answers.give(KEY, "another", Act())


async def test_a_caller_who_goes_away_does_not_stop_what_is_under_way(answers):
    act = Act()
    caller = asyncio.create_task(answers.give(KEY, "request", act))
    await asyncio.sleep(0.5)
    caller.cancel()
    assert await answers.give(KEY, "request", act) == "ticket 1"
    assert act.calls == 1


async def test_an_answer_is_forgotten_in_time(answers):
    await answers.give(KEY, "request", Act())
    await asyncio.sleep(101)
    assert await answers.give(KEY, "request", Act(answer="ticket 2")) == "ticket 2"


async def test_no_more_answers_than_allowed_are_kept_the_oldest_goes_first(answers):
    for number in range(4):
        await answers.give(("bot", f"key-{number}"), "request", Act())
    assert await answers.give(("bot", "key-1"), "request", Act(answer="new")) == "ticket 1"
    assert await answers.give(("bot", "key-0"), "request", Act(answer="new")) == "new"
