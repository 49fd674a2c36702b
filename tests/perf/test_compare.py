"""Did this change make the service slower? `make compare`, or `pytest -m perf --perf-base REV`."""

import pytest

from loadcheck import UserClass, arriving, closed

BOT = "locustfiles/first_searches.py"
pytestmark = pytest.mark.perf


def test_no_slower_than_base(compare, stand):
    """Is the everyday mix, with first searches, answered no slower than by base, one at a time?"""
    user = UserClass(locustfile=BOT, name="FirstSearchUser", wait_s=(0, 0))
    program = stand.program(stand.upstream(latency_ms=20))
    compare.check(program, closed(user, users=1, hold_s=1, warm_up_s=1.5), stand.consumer_env)


def test_no_slower_than_base_when_many_come(compare, stand):
    """Is it when they come at a rate of their own, several at once?"""
    if compare.profile == "short":
        pytest.skip("a merge request gets one comparison: the longer profiles add this one")
    rate = arriving(f"{BOT}:FirstSearchUser", rate_per_s=100, hold_s=1, warm_up_s=1.5, max_in_flight=20)
    compare.check(stand.program(stand.upstream(latency_ms=20)), rate, stand.consumer_env)
