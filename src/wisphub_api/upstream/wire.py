"""How WispHub Net writes lists and values, whatever they are about.

Each slice declares its own records; their types are as loose as the upstream's: numbers come as strings or
numbers, nested objects may be null or missing, unknown keys appear. A page is decoded whole; only where a
row does not fit is it read again row by row: a field that does not fit is dropped, a row without a usable id
is set aside.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from wisphub_api.exceptions import UpstreamUnreadable

W = TypeVar("W", bound=Struct)
R = TypeVar("R")

Text = str | int | float | bool | None
Number = Annotated[int, Meta(ge=-(2**63) + 1, le=2**63 - 1)]
"""An id; what 64 bits do not hold is none."""


class Page(Struct, Generic[R], frozen=True):
    """One page of a list; a row that was set aside is None, so that positions hold.

    Attributes:
        count: How many rows the whole list has, as the upstream says.
        rows: The page's rows in their order.
    """

    count: int
    rows: tuple[R | None, ...]


class _WholePage(Struct, Generic[W]):
    count: int
    results: list[W]


class _LoosePage(Struct):
    count: int
    results: list[Any]


class PageReader(Generic[W, R]):
    """Reads pages of one kind of row.

    Args:
        wire: The row as it comes.
        model: Makes of it what the service keeps.
    """

    def __init__(self, wire: type[W], model: Callable[[W], R]) -> None:
        self._wire = wire
        self._model = model
        self._pages = msgspec.json.Decoder(_WholePage[wire], strict=False)  # type: ignore[valid-type]  # made at run time

    def __call__(self, body: bytes) -> Page[R]:
        """Decode one page.

        Raises:
            UpstreamUnreadable: It is no JSON, or no page.
        """
        try:
            page = self._pages.decode(body)
            return Page(page.count, tuple(map(self._model, page.results)))
        except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
            return self._read_row_by_row(body)

    def _read_row_by_row(self, body: bytes) -> Page[R]:
        """Read a page that does not fit, with a decoder that takes what real servers send.

        Bare NaN, lone surrogates, stray bytes of another encoding and endless numbers spoil a field, not
        the page.
        """
        try:
            loose = json.loads(body.decode(errors="replace"), parse_constant=_nothing, parse_int=_int)
            page = msgspec.convert(loose, _LoosePage)
        except (ValueError, RecursionError) as error:
            raise UpstreamUnreadable("WispHub Net answered with something that is not a list") from error
        rows = tuple(map(self._read_row, page.results))
        if rows and 2 * rows.count(None) > len(rows):
            raise UpstreamUnreadable("WispHub Net answered with rows of which most have no usable id")
        return Page(page.count, rows)

    def _read_row(self, row: Any) -> R | None:
        """Keep of a row what fits; None without a usable id."""
        given = row if isinstance(row, dict) else {}
        kept: dict[str, Any] = {}
        for field in msgspec.structs.fields(self._wire):
            try:
                kept[field.name] = msgspec.convert(given[field.name], field.type, strict=False)
            except (KeyError, ValueError):
                if field.required:
                    return None
        return self._model(self._wire(**kept))


def decode(body: bytes, kind: type[R]) -> R:
    """Decode a whole answer.

    Raises:
        UpstreamUnreadable: It is no JSON, or not of this kind.
    """
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except (ValueError, RecursionError) as error:
        raise UpstreamUnreadable("WispHub Net answered with something that is not what was asked") from error


_LONGEST_INT: Final = 18
"""Digits; more are no number that anyone means, and 64 bits do not hold them."""


def _int(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_INT else None


def _nothing(_: str) -> None:
    """Read NaN and the infinities as null."""


def clean_text(value: Text) -> str | None:
    """Return text trimmed; blank means unknown, and 3001234567.0 is a number someone typed."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    if text.isascii():
        return text or None
    return text.encode(errors="replace").decode()  # a lone surrogate could not be sent on


def to_amount(value: Text) -> float | None:
    """Return an amount of money; what is no finite number is unknown."""
    try:
        amount = float(value) if value is not None else math.nan
    except (ValueError, OverflowError):
        return None
    return amount if math.isfinite(amount) else None


def to_price(value: Text) -> float | None:
    """Return a price; blank and zero mean unknown."""
    return to_amount(value) or None
