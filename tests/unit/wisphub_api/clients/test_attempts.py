"""Failed checks are limited per client and caller."""

import pytest

from wisphub_api.clients.attempts import FailedAttempts
from wisphub_api.exceptions import TooManyAttempts


async def test_after_too_many_failures_a_caller_must_wait():
    failures = FailedAttempts(most=2)
    for _ in range(2):
        await failures.check("bot", 7)
        await failures.record("bot", 7)
    with pytest.raises(TooManyAttempts) as raised:
        await failures.check("bot", 7)
    assert 0 < raised.value.retry_after_s <= 15 * 60


async def test_other_clients_and_other_callers_are_not_held_up():
    failures = FailedAttempts(most=1)
    await failures.record("bot", 7)
    await failures.check("bot", 8)
    await failures.check("app", 7)
