"""Search over all clients' folded text: one joined string, scanned by the interpreter's own `find`.

A client is a line; its name, address, document and phones are the line's fields. Documents and
phones also stand there by their bare letters and digits, so `300 123` finds `+57 300-123-4567`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from copy import copy
from itertools import accumulate
from typing import Final, Self

from wisphub_api.clients.models import Client
from wisphub_api.clients.text import document_key, fold, phone_key, phone_keys

_FIELD: Final = "\x1f"
_LINE: Final = "\n"
_NUMBER: Final = re.compile(r"[\d\s+().-]+")
_EXACT, _PREFIX, _INSIDE = range(3)


class SearchIndex:
    """Finds clients by what one of their fields contains; immutable.

    Args:
        clients: All clients; a hit is told by its position among them.
    """

    def __init__(self, clients: Sequence[Client]) -> None:
        lines = [_line(client) for client in clients]
        self._text = "".join(lines) + _LINE
        self._starts = list(accumulate(map(len, lines), initial=0))[:-1]
        self._changed: dict[int, str] = {}

    def replaced(self, position: int, client: Client) -> Self:
        """Give the index in which this client stands at a position; its line is looked at beside the text."""
        index = copy(self)
        index._changed = self._changed | {position: _line(client).lstrip(_LINE)}  # noqa: SLF001  # a copy of its own
        return index

    def search(self, query: str) -> list[int]:
        """Give the positions of the clients of whom one field holds all words of `query`.

        Exact matches come first, then those that begin with it, then the others, each in order.
        """
        ranks: dict[int, int] = {}
        for needle in _needles(query):
            for position, fields in self._lines_with(list(dict.fromkeys(needle.split()))):
                ranks[position] = min(ranks.get(position, _INSIDE), _rank(needle, fields))
        return sorted(ranks, key=lambda position: (ranks[position], position))

    def containing(self, text: str) -> Iterator[int]:
        """Give the positions of the clients of whom one field holds `text` (folded), as it stands."""
        return (position for position, _ in self._lines_with([text]))

    def _lines_with(self, words: list[str]) -> Iterator[tuple[int, str]]:
        """Give position and line of each client of whom one field holds all `words`, in no order."""
        longest = max(words, key=len)
        found = self._text.find(longest)
        while found >= 0:
            position = bisect_right(self._starts, found) - 1
            end = self._text.find(_LINE, found)
            line = self._text[self._starts[position] + 1 : end]
            if position not in self._changed and (len(words) == 1 or _is_in_one_field(words, line)):
                yield position, line
            found = self._text.find(longest, end)
        for position, line in self._changed.items():
            if _is_in_one_field(words, line):
                yield position, line


def _is_in_one_field(words: list[str], line: str) -> bool:
    return any(all(word in part for word in words) for part in line.split(_FIELD))


def _line(client: Client) -> str:
    return _LINE + _FIELD + _FIELD.join(_fields(client)) + _FIELD


def _fields(client: Client) -> Iterator[str]:
    for text in (client.name, client.address, client.document, client.phone):
        if text:
            yield fold(text)
    if client.document:
        yield document_key(client.document)
    if client.phone:
        yield from phone_keys(client.phone)


def _needles(query: str) -> list[str]:
    """Give the forms of a query to look for: its text, and its digits where it may be a number."""
    folded = fold(query)
    needles = [folded] if folded else []
    digits = phone_key(query) if _NUMBER.fullmatch(query) else ""
    return needles + ([digits] if len(digits) > 1 and digits != folded else [])


def _rank(needle: str, line: str) -> int:
    if f"{_FIELD}{needle}{_FIELD}" in line:
        return _EXACT
    return _PREFIX if f"{_FIELD}{needle}" in line else _INSIDE
