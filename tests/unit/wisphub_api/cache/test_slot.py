"""Decisions on a value's age."""

from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.cache.slot import Policy, Slot, read_slot, refresh_due, retry_delay

POLICY = Policy(ttl_s=300, max_stale_s=3600, cold_wait_s=15)
DRAWS = st.floats(0, 1)


def slot_loaded_at(loaded_at: float) -> Slot[str]:
    return Slot("value", loaded_at=loaded_at, cost_s=1, refresh_at=loaded_at + 250)


def test_a_value_is_fresh_up_to_its_ttl():
    reading = read_slot(slot_loaded_at(0), POLICY, now=300)
    assert reading is not None
    assert (reading.age_s, reading.ttl_s, reading.is_stale) == (300, 0, False)


def test_a_value_past_its_ttl_is_stale():
    reading = read_slot(slot_loaded_at(0), POLICY, now=301)
    assert reading is not None
    assert reading.is_stale


def test_a_value_is_given_up_to_max_stale_past_its_ttl_and_no_longer():
    assert read_slot(slot_loaded_at(0), POLICY, now=3900) is not None
    assert read_slot(slot_loaded_at(0), POLICY, now=3900.1) is None


@given(cost_s=st.floats(0, 30), draw=DRAWS)
def test_a_refresh_that_costs_little_ends_before_the_ttl(cost_s, draw):
    due = refresh_due(loaded_at=100, cost_s=cost_s, ttl_s=300, draw=draw)
    assert due >= 100 + 150
    assert due + cost_s <= 100 + 0.951 * 300


@given(cost_s=st.floats(0, 10_000), draw=DRAWS)
def test_the_upstream_rests_at_least_as_long_as_a_load_takes(cost_s, draw):
    loaded = 100 + cost_s
    assert refresh_due(loaded_at=100, cost_s=cost_s, ttl_s=300, draw=draw) - loaded >= cost_s * 0.99


@given(failures=st.integers(1, 5), draw=DRAWS)
def test_retries_back_off(failures, draw):
    delays = [
        retry_delay(count, ttl_s=300, draw=draw, retry_after_s=None) for count in (failures, failures + 1)
    ]
    assert delays[0] < delays[1]


@given(failures=st.integers(1, 10_000), draw=DRAWS)
def test_no_retry_waits_for_more_than_half_a_minute(failures, draw):
    delay = retry_delay(failures, ttl_s=300, draw=draw, retry_after_s=None)
    assert 0.5 <= delay <= 30


@given(failures=st.integers(1, 100), draw=DRAWS)
def test_a_retry_comes_within_the_ttl(failures, draw):
    assert retry_delay(failures, ttl_s=2, draw=draw, retry_after_s=None) <= 2


def test_the_upstream_may_ask_for_a_longer_delay():
    assert retry_delay(1, ttl_s=300, draw=0, retry_after_s=77) == 77
