"""Headers of an answer from memory."""

import pytest

from wisphub_api.cache.slot import Reading
from wisphub_api.web.rules.cache_status import cache_status, etag_matches, freshness_headers


def test_a_fresh_answer_is_a_hit():
    assert cache_status(Reading("x", age_s=10.9, ttl_s=289.1)) == "wisphub-api; hit; ttl=289"


def test_a_stale_answer_says_so():
    assert cache_status(Reading("x", age_s=301, ttl_s=-0.5)) == "wisphub-api; hit; ttl=-1; detail=stale"


def test_an_answer_that_waited_for_the_load_is_a_miss_that_shared_it():
    reading = Reading("x", age_s=1, ttl_s=299, has_waited=True)
    assert cache_status(reading) == "wisphub-api; fwd=miss; stored; collapsed; ttl=299"


@pytest.mark.parametrize("forwarded", ["stale", "request"])
def test_an_answer_that_waited_although_there_was_one_says_why(forwarded):
    reading = Reading("x", age_s=1, ttl_s=299, has_waited=True, forwarded=forwarded)
    assert cache_status(reading) == f"wisphub-api; fwd={forwarded}; stored; collapsed; ttl=299"


def test_a_write_was_shared_with_nobody():
    reading = Reading("x", age_s=1, ttl_s=299, has_waited=True, forwarded="method")
    assert cache_status(reading) == "wisphub-api; fwd=method; stored; ttl=299"


def test_the_lifetime_counts_from_when_the_answer_was_new_and_the_age_is_taken_off_it():
    fresh, stale = Reading("x", age_s=120, ttl_s=180), Reading("x", age_s=310, ttl_s=-10)
    lifetimes = {freshness_headers(reading)["Cache-Control"] for reading in (fresh, stale)}
    assert lifetimes == {"private, max-age=300"}


def test_no_browser_gives_one_keys_answers_to_another():
    assert freshness_headers(Reading("x", age_s=1, ttl_s=1))["Vary"] == "X-API-Key"


def test_the_age_is_in_whole_seconds_and_others_may_not_keep_it():
    headers = freshness_headers(Reading("x", age_s=10.9, ttl_s=1.1))
    assert (headers["Age"], headers["Cache-Control"]) == ("10", "private, max-age=12")


@pytest.mark.parametrize("header", ['"abc"', 'W/"abc"', '"x", "abc"', "*", '"x" , W/"abc"'])
def test_a_known_tag_matches(header):
    assert etag_matches(header, '"abc"')


@pytest.mark.parametrize("header", ["", '"x"', "abc", '"abcd"'])
def test_another_tag_does_not(header):
    assert not etag_matches(header, '"abc"')
