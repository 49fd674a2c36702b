"""How a query is read, by the fast path and by the router alike."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.exceptions import InvalidRequest
from wisphub_api.web.rules.query import read_query

NAMES = ("q", "limit", "offset")


@pytest.mark.parametrize(
    ("query", "given"),
    [
        (b"", {}),
        (b"q=a", {"q": "a"}),
        (b"q=a+b%20c", {"q": "a b c"}),
        (b"q=%C3%B1", {"q": "ñ"}),
        ("q=ñ".encode(), {"q": "ñ"}),
        (b"q=", {"q": ""}),
        (b"q", {"q": ""}),
        (b"q=a=b", {"q": "a=b"}),
        (b"q=a;b", {"q": "a;b"}),
        (b"&&limit=1&q=a&", {"limit": "1", "q": "a"}),
        (b"%71=a%26b", {"q": "a&b"}),
        (b"q=%", {"q": "%"}),
    ],
)
def test_parameters_are_read(query, given):
    assert read_query(query, NAMES) == given


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (b"Q=a", "query"),
        (b"page=1", "page"),
        (b"q=a&q=b", "q"),
        (b"q=%ff", "query"),
        (b"q=\xff", "query"),
        (b"=a", "query"),
    ],
)
def test_what_is_unknown_or_comes_twice_or_is_no_text_is_refused(query, field):
    with pytest.raises(InvalidRequest) as raised:
        read_query(query, NAMES)
    assert raised.value.field == field


@given(st.dictionaries(st.sampled_from(NAMES), st.text(st.characters(codec="utf-8"))))
def test_what_is_encoded_is_read_as_it_was_and_as_urllib_reads_it(values):
    query = urlencode(values)
    assert read_query(query.encode(), NAMES) == values == dict(parse_qsl(query, keep_blank_values=True))
