"""Lists and values as WispHub Net sends them, odd ones included."""

import json
from typing import Any

import msgspec
import pytest
from msgspec import Struct, structs

from wisphub_api.exceptions import UpstreamUnreadable
from wisphub_api.upstream.wire import Number, PageReader, Text, clean_text, to_amount, to_price


class Nested(Struct):
    id: Number | None = None


class Row(Struct):
    id: Number
    text: Text = None
    place: Text = None
    nested: Nested | None = None


PAGES = PageReader(Row, lambda row: structs.replace(row, text=clean_text(row.text)))


def read(*rows: Any) -> list[Row | None]:
    body = json.dumps({"count": len(rows), "next": None, "previous": None, "results": rows})
    return list(PAGES(body.encode()).rows)


@pytest.mark.parametrize("value", ["", "a lot", "nan", "inf", None])
def test_what_is_no_number_is_no_amount(value):
    assert to_amount(value) is None


def test_a_price_of_zero_is_unknown_but_an_amount_of_zero_is_known():
    assert (to_price("0.00"), to_amount("0.00")) == (None, 0.0)


@pytest.mark.parametrize("bad", [5, "row", None, [], {}, {"id": None}, {"id": "abc"}])
def test_a_row_without_a_usable_id_is_set_aside_and_costs_no_other(bad):
    rows = read({"id": 7}, bad, {"id": 8})
    assert [row and row.id for row in rows] == [7, None, 8]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Bad gateway</html>",
        b"",
        b'{"count": 2, "results": [{"id": 7',
        b'{"detail": "no page"}',
        b"[]",
        b"[" * 100_000,
        b'{"count": 1, "results": [{"id": ' + b"9" * 5000 + b"}]}",
        b'{"count": 3, "results": [{"id": 1}, {}, {}]}',
    ],
)
def test_an_answer_that_is_no_page_is_unreadable(body):
    with pytest.raises(UpstreamUnreadable):
        PAGES(body)


@pytest.mark.parametrize(
    "odd",
    [
        b'"\xff"',
        b'"\\ud83d"',
        b"NaN",
        b"-Infinity",
        b"9" * 400,
        b"9" * 4000,
        b"[" * 500 + b"]" * 500,
        b'"\xc3\xb1"',
    ],
    ids=lambda odd: str(odd[:12]),
)
@pytest.mark.parametrize("field", ["text", "nested", "new"])
def test_whatever_a_field_holds_it_costs_at_most_itself(field, odd):
    row = b'{"id": 1, "place": "BELLAVISTA", "%b": %b}' % (field.encode(), odd)
    body = b'{"count": 2, "results": [%b, {"id": 2}]}' % row
    first, second = PAGES(body).rows
    assert first
    assert second
    assert (first.place, second.id) == ("BELLAVISTA", 2)
    assert msgspec.json.encode(first)
