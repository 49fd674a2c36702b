"""What a wish for freshness means for a value of some age. Sections are RFC 9111's."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.cache.slot import Policy
from wisphub_api.cache.wish import ANY, Wish, decide, greatest_age, is_good_after_error, new_enough

POLICY = Policy(ttl_s=300, max_stale_s=3600, cold_wait_s=15)
SECONDS = st.none() | st.integers(0, 10_000).map(float) | st.just(math.inf)
WISHES = st.builds(Wish, SECONDS, SECONDS, SECONDS, SECONDS, st.booleans())


@pytest.mark.parametrize(
    ("wish", "age_s"),
    [
        (ANY, 3900),
        (Wish(max_age_s=60), 60),  # 5.2.1.1
        (Wish(max_age_s=1000), 300),  # 5.2.1.1: without max-stale, no stale answer
        (Wish(max_age_s=1000, max_stale_s=math.inf), 1000),
        (Wish(max_age_s=60, max_stale_s=math.inf), 60),
        (Wish(max_stale_s=0), 300),  # 5.2.1.2
        (Wish(max_stale_s=100), 400),
        (Wish(max_stale_s=math.inf), 3900),
        (Wish(max_stale_s=999_999), 3900),
        (Wish(min_fresh_s=100), 200),  # 5.2.1.3
        (Wish(min_fresh_s=0), 300),
        (Wish(min_fresh_s=100, max_age_s=50), 50),
        (Wish(min_fresh_s=400), -100),
        (Wish(max_age_s=0), 0),  # 5.2.1.4
        (Wish(only_if_cached=True), 3900),
    ],
    ids=str,
)
def test_a_wish_is_fulfilled_up_to_an_age(wish, age_s):
    assert greatest_age(wish, POLICY) == age_s


def test_a_value_that_fulfils_the_wish_is_given_and_an_older_one_waited_for():
    wish = Wish(max_age_s=60)
    assert decide(wish, POLICY, 60, cost_s=1) == "answer"
    assert decide(wish, POLICY, 61, cost_s=1) == "wait"


def test_without_a_value_there_is_only_waiting():
    assert decide(ANY, POLICY, None, cost_s=0) == "wait"


def test_who_wants_only_what_is_there_never_waits():  # 5.2.1.7
    assert decide(Wish(only_if_cached=True), POLICY, None, cost_s=0) == "refuse"
    assert decide(Wish(only_if_cached=True), POLICY, 200, cost_s=0) == "answer"
    assert decide(Wish(only_if_cached=True, max_age_s=100), POLICY, 200, cost_s=0) == "refuse"
    assert decide(Wish(only_if_cached=True, max_age_s=0), POLICY, 1, cost_s=0) == "refuse"


def test_no_wish_makes_loads_come_more_often_than_every_five_seconds():
    assert decide(Wish(max_age_s=0), POLICY, 5, cost_s=0.1) == "answer"
    assert decide(Wish(max_age_s=0), POLICY, 5.1, cost_s=0.1) == "wait"


def test_nor_before_the_upstream_has_rested_as_long_as_the_load_took():
    assert decide(Wish(max_age_s=0), POLICY, 80, cost_s=40) == "answer"
    assert decide(Wish(max_age_s=0), POLICY, 81, cost_s=40) == "wait"


@given(wish=WISHES, cost_s=st.floats(0, 1000), since_s=st.floats(0, 1))
def test_a_load_under_way_is_always_new_enough_to_wait_for(wish, cost_s, since_s):
    assert new_enough(wish, POLICY, cost_s) >= cost_s * since_s


@given(wish=WISHES, age_s=st.floats(0, 3900))
def test_who_is_answered_at_once_gets_what_was_wished_or_what_is_as_good_as_new(wish, age_s):
    if decide(wish, POLICY, age_s, cost_s=1) == "answer":
        assert age_s <= max(greatest_age(wish, POLICY), 5)


def test_after_an_error_an_older_value_is_given_only_to_those_who_allow_it():  # RFC 5861, section 4
    assert not is_good_after_error(Wish(max_age_s=60), POLICY, age_s=61)
    assert is_good_after_error(Wish(max_age_s=60), POLICY, age_s=60)
    assert is_good_after_error(Wish(max_age_s=60, stale_if_error_s=100), POLICY, age_s=400)
    assert not is_good_after_error(Wish(max_age_s=60, stale_if_error_s=100), POLICY, age_s=401)
