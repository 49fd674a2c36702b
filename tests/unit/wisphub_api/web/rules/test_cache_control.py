"""The request's Cache-Control, as it comes. Sections are RFC 9111's."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.cache.wish import ANY, Wish
from wisphub_api.web.rules.cache_control import freshness_of


@pytest.mark.parametrize(
    ("value", "wish"),
    [
        ("max-age=60", Wish(max_age_s=60)),  # 5.2.1.1
        ("max-stale", Wish(max_stale_s=math.inf)),  # 5.2.1.2
        ("max-stale=30", Wish(max_stale_s=30)),
        ("min-fresh=20", Wish(min_fresh_s=20)),  # 5.2.1.3
        ("no-cache", Wish(max_age_s=0)),  # 5.2.1.4
        ("no-cache, max-age=60", Wish(max_age_s=0)),
        ("only-if-cached", Wish(only_if_cached=True)),  # 5.2.1.7
        ("max-age=60, stale-if-error=600", Wish(max_age_s=60, stale_if_error_s=600)),  # RFC 5861, section 4
        ("MAX-AGE=60", Wish(max_age_s=60)),  # 5.2: names are case-insensitive
        ('max-age="60"', Wish(max_age_s=60)),  # 5.2: both forms of an argument
        (" max-age=60 ,, min-fresh=20,", Wish(max_age_s=60, min_fresh_s=20)),
        ("max-age=60, max-age=5", Wish(max_age_s=60)),  # 4.2.1: the first
        ("max-age=99999999999999999999", Wish(max_age_s=2**31)),  # 1.2.2
        ('x="a, no-cache, b", max-age=9', Wish(max_age_s=9)),
    ],
)
def test_directives_are_read(value, wish):
    assert freshness_of(value) == wish


@pytest.mark.parametrize(
    "value",
    [
        *("", ",", "no-store", "no-transform", "public", "s-maxage=5", "maxage=5"),
        *("max-age", "max-age=", "max-age=x", "max-age=-1", "max-age=1.5", "max-age=1e3", "max-age = 5"),
        *("max-age=\u0661", "max-stale=x", "max-stale=", "no-cache extra", 'no-cache"', '"no-cache"'),
        "no-cache, " + "x" * 250,
    ],
)
def test_what_is_malformed_or_asks_for_nothing_is_ignored(value):
    assert freshness_of(value) is ANY


@given(st.text(max_size=600) | st.text('max-ge="\\,=0 ', max_size=600))
def test_no_value_whatever_is_an_error(value):
    assert isinstance(freshness_of(value), Wish)
