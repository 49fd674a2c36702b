"""Rows that no reader expects, put in the place of good ones."""

import random
from collections.abc import Callable
from typing import Any

import msgspec

from wisphub_sim.data.people import REFERENCE_ID

Row = dict[str, Any]


def _first_key(row: Row) -> str:
    return next(iter(row))


def _wrong_types(row: Row) -> Row:
    key = _first_key(row)
    wrong = {field: ["?"] if index % 2 else {"?": None} for index, field in enumerate(row)}
    return {**wrong, key: row[key]}


# The id is a row's first field in every list of the upstream.
_SPOILERS: tuple[Callable[[Row], object], ...] = (
    lambda row: f"Error al serializar {row[_first_key(row)]}",
    lambda row: {field: value for field, value in row.items() if field != _first_key(row)},
    lambda row: row | {_first_key(row): None},
    lambda row: row | {_first_key(row): "abc"},
    lambda _row: None,
    _wrong_types,
    lambda row: [row],
)


def spoil_rows(body: bytes, rows: int, rng: random.Random) -> bytes:
    """Return a page's JSON with that many rows made bad, each in the next of seven ways.

    The reference record stays good; a body that is no page, or has fewer rows, is spoilt as far as it goes.
    """
    page = msgspec.json.decode(body)
    if not isinstance(page, dict) or not isinstance(page.get("results"), list):
        return body
    results = page["results"]
    places = [place for place, row in enumerate(results) if row.get("id_servicio") != REFERENCE_ID]
    for number, place in enumerate(rng.sample(places, min(rows, len(places)))):
        results[place] = _SPOILERS[number % len(_SPOILERS)](results[place])
    return msgspec.json.encode(page)
