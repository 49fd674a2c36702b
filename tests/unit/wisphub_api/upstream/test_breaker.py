import asyncio

import pytest

from wisphub_api.exceptions import (
    UpstreamError,
    UpstreamFailed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUncertain,
    UpstreamUnreachable,
    UpstreamUnreadable,
)
from wisphub_api.upstream.breaker import FAILURES, LONGEST_OPEN_S, OPEN_S, Breaker, is_outage


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(UpstreamTimeout), breaker.watching():
            raise UpstreamTimeout("late")


def state(breaker: Breaker) -> str:
    """Ask anew each time: mypy takes a property for a constant."""
    return breaker.state


def succeed(breaker: Breaker) -> None:
    with breaker.watching():
        pass


def test_it_opens_after_so_many_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, FAILURES - 1)
    succeed(breaker)
    fail(breaker, FAILURES - 1)
    assert state(breaker) == "closed"
    fail(breaker)
    assert state(breaker) == "open"


def test_open_it_refuses_at_once_and_says_when_to_come_back(breaker: Breaker) -> None:
    fail(breaker, FAILURES)
    with pytest.raises(UpstreamUnreachable, match="not asked for the moment") as caught, breaker.watching():
        pytest.fail("let through")
    assert caught.value.retry_after_s == OPEN_S


def test_one_probe_goes_through_and_closes_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now += OPEN_S
    assert state(breaker) == "half-open"
    with breaker.watching(), pytest.raises(UpstreamUnreachable), breaker.watching():
        pytest.fail("a second probe")
    assert state(breaker) == "closed"


def test_a_probe_that_fails_makes_it_wait_longer_up_to_a_bound(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    waits = []
    for _ in range(5):
        clock.now += LONGEST_OPEN_S
        fail(breaker)
        with pytest.raises(UpstreamUnreachable) as caught, breaker.watching():
            pass
        waits.append(caught.value.retry_after_s)
    assert waits == [2, 4, LONGEST_OPEN_S, LONGEST_OPEN_S, LONGEST_OPEN_S]


def test_a_cancelled_probe_makes_room_for_another(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now += OPEN_S
    with pytest.raises(asyncio.CancelledError), breaker.watching():
        raise asyncio.CancelledError
    succeed(breaker)
    assert state(breaker) == "closed"


@pytest.mark.parametrize(
    ("error", "is_down"),
    [
        (UpstreamTimeout("x"), True),
        (UpstreamUnreachable("x"), True),
        (UpstreamUnreadable("x"), True),
        (UpstreamFailed("x", status=502), True),
        (UpstreamFailed("x", status=404), False),
        (UpstreamRateLimited("x"), False),
        (UpstreamRefused("x"), False),
    ],
)
def test_only_what_says_that_it_is_down_is_an_outage(error: UpstreamError, *, is_down: bool) -> None:
    assert is_outage(error) is is_down


def test_an_uncertain_outcome_neither_opens_nor_closes_it(breaker: Breaker) -> None:
    fail(breaker, FAILURES - 1)
    for _ in range(FAILURES):
        with pytest.raises(UpstreamUncertain), breaker.watching():
            raise UpstreamUncertain("late")
    assert state(breaker) == "closed"
    fail(breaker)
    assert state(breaker) == "open"
