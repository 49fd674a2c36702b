"""Headers of an answer from memory."""

import pytest

from wisphub_api.cache.slot import Reading
from wisphub_api.web.cache_status import cache_status, etag_matches, freshness_headers


def test_a_fresh_answer_is_a_hit():
    assert cache_status(Reading("x", age_s=10.9, ttl_s=289.1)) == "wisphub-api; hit; ttl=289"


def test_a_stale_answer_says_so():
    assert cache_status(Reading("x", age_s=301, ttl_s=-0.5)) == "wisphub-api; hit; ttl=-1; detail=stale"


def test_an_answer_that_waited_for_the_load_is_a_miss_that_shared_it():
    reading = Reading("x", age_s=1, ttl_s=299, has_waited=True)
    assert cache_status(reading) == "wisphub-api; fwd=miss; stored; collapsed; ttl=299"


def test_the_age_is_in_whole_seconds_and_others_may_not_keep_it():
    headers = freshness_headers(Reading("x", age_s=10.9, ttl_s=1))
    assert (headers["Age"], headers["Cache-Control"]) == ("10", "private, no-cache")


@pytest.mark.parametrize("header", ['"abc"', 'W/"abc"', '"x", "abc"', "*", '"x" , W/"abc"'])
def test_a_known_tag_matches(header):
    assert etag_matches(header, '"abc"')


@pytest.mark.parametrize("header", ["", '"x"', "abc", '"abcd"'])
def test_another_tag_does_not(header):
    assert not etag_matches(header, '"abc"')
