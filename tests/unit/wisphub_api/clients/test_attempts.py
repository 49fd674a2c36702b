"""Failed checks are limited per client and per caller, over all workers that share a store."""

import asyncio
from typing import Any

import pytest

from wisphub_api.clients.attempts import FailedAttempts

pytestmark = pytest.mark.looptime


@pytest.fixture
def failures(store) -> FailedAttempts:
    return FailedAttempts(store, most=2, most_in_all=5)


async def is_granted(
    failures: FailedAttempts, caller: str = "bot", service_id: int | None = 7, *, has_failed: bool = True
) -> bool:
    return (await failures.spend(caller, service_id, has_failed=has_failed)).is_granted


async def test_after_too_many_failures_nothing_is_granted_until_the_window_ends(failures):
    assert [await is_granted(failures) for _ in range(3)] == [True, True, False]
    await asyncio.sleep(899)
    assert not await is_granted(failures)
    await asyncio.sleep(2)
    assert await is_granted(failures)


async def test_a_caller_is_granted_how_long_to_wait(failures):
    for _ in range(2):
        await failures.spend("bot", 7, has_failed=True)
    await asyncio.sleep(100)
    spent = await failures.spend("bot", 7, has_failed=False)
    assert (spent.is_granted, spent.ends_s) == (False, pytest.approx(800))


async def test_data_that_is_right_is_kept_back_as_well_and_counts_as_no_failure(failures):
    assert all([await is_granted(failures, has_failed=False) for _ in range(9)])
    assert [await is_granted(failures, has_failed=has_failed) for has_failed in (True, True, False)] == [
        True,
        True,
        False,
    ]


async def test_other_clients_and_other_callers_are_not_held_up(failures):
    for _ in range(3):
        await is_granted(failures)
    assert await is_granted(failures, service_id=8)
    assert await is_granted(failures, "app")


async def test_the_failures_of_one_caller_are_limited_over_all_clients(failures):
    assert [await is_granted(failures, service_id=number) for number in range(7)] == [True] * 5 + [False] * 2
    assert not await is_granted(failures, service_id=99, has_failed=False)
    assert await is_granted(failures, "app")


async def test_who_goes_on_and_on_with_one_client_does_not_lock_out_the_others(failures):
    for _ in range(20):
        await is_granted(failures)
    assert [await is_granted(failures, service_id=number) for number in range(10, 14)] == [True] * 3 + [False]


async def test_what_concerns_no_client_yet_counts_among_all(failures):
    assert [await is_granted(failures, service_id=None) for _ in range(6)] == [True] * 5 + [False]
    assert not await is_granted(failures)


@pytest.mark.parametrize("service_ids", [[7] * 20, range(20)], ids=["one client", "many clients"])
async def test_of_many_at_once_no_more_are_granted_than_of_many_in_turn(distant, service_ids):
    workers = [FailedAttempts(distant, most=5, most_in_all=5) for _ in range(2)]
    checks: Any = (is_granted(workers[i % 2], service_id=number) for i, number in enumerate(service_ids))
    assert sorted(await asyncio.gather(*checks)) == [False] * 15 + [True] * 5


async def test_many_at_once_whose_data_is_right_do_not_hold_each_other_up(distant):
    failures = FailedAttempts(distant, most=1, most_in_all=1)
    assert all(await asyncio.gather(*(is_granted(failures, has_failed=False) for _ in range(50))))


async def test_workers_count_together(store):
    one, other = (FailedAttempts(store, most=2, most_in_all=5) for _ in range(2))
    assert [await is_granted(worker) for worker in (one, other, one, other)] == [True, True, False, False]


async def test_what_is_counted_at_once_is_counted_like_what_is_awaited(failures):
    spent = [failures.spend_now("bot", 7, has_failed=True) for _ in range(3)]
    assert [each and each.is_granted for each in spent] == [True, True, False]
    assert not await is_granted(failures)


async def test_counts_that_others_share_are_not_known_at_once(distant):
    failures = FailedAttempts(distant, most=2, most_in_all=5)
    assert failures.spend_now("bot", 7, has_failed=True) is None
