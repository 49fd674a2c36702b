"""Search over all clients' folded text.

A client's name, address, document and phones are its fields. Documents and phones also stand there by
their bare letters and digits, so `300 123` finds `+57 300-123-4567`.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from copy import copy
from typing import Final, NamedTuple, Self

import numpy as np

from wisphub_api.clients.entries import Numbers
from wisphub_api.clients.models import Client
from wisphub_api.clients.numbers import NumberIndex, NumberIndexBuilder, is_long_number
from wisphub_api.clients.sorting import Positions
from wisphub_api.clients.text import document_key, fold, phone_key, phone_keys
from wisphub_api.clients.words import EXACT, INSIDE, PREFIX, WordIndex, WordIndexBuilder

_NUMBER: Final = re.compile(r"[\d\s+().-]+")
_RANKS: Final = 3


class SearchIndexBuilder:
    """Takes clients in their order."""

    def __init__(self) -> None:
        self.words = WordIndexBuilder()
        self.numbers = NumberIndexBuilder()
        self.first_fields = array("i")

    def add(self, client: Client) -> None:
        """Take one more client."""
        position = len(self.first_fields)
        self.first_fields.append(len(self.words.lengths))
        for text in (client.name, client.address):
            if text:
                self.words.add(text)
        for field in dict.fromkeys(_codes(client)):
            if is_long_number(field):
                self.numbers.add(field, position)
            else:
                self.words.add(field)


class _Sought(NamedTuple):
    """A form of a query, and what holds parts of it.

    Attributes:
        needle: Its text, folded.
        words: Its words.
        entries: For each, the indexed words that contain it; those that the fewest fields hold come first.
    """

    needle: str
    words: list[str]
    entries: list[Numbers]


class SearchIndex:
    """Finds clients by what one of their fields contains; immutable.

    Args:
        builder: Was given all clients; a hit is told by its position among them.
    """

    def __init__(self, builder: SearchIndexBuilder) -> None:
        self._words = WordIndex(builder.words)
        self._numbers = NumberIndex(builder.numbers)
        first_fields = np.append(np.frombuffer(builder.first_fields, np.int32), len(builder.words.lengths))
        self._clients = np.repeat(np.arange(len(builder.first_fields), dtype=np.int32), np.diff(first_fields))
        self._changed: dict[int, list[str]] = {}

    def replaced(self, position: int, client: Client) -> Self:
        """Give the index in which this client stands at a position; its fields are looked at beside it."""
        index = copy(self)
        index._changed = self._changed | {position: _fields(client)}  # noqa: SLF001  # a copy of its own
        return index

    @property
    def changed(self) -> int:
        """How many clients are looked at beside the index."""
        return len(self._changed)

    def search(self, query: str) -> Positions:
        """Give the positions of the clients of whom one field holds all words of `query`.

        Exact matches come first, then those that begin with it, then the others, each in order.
        """
        return self._ranked(map(self._sought, _needles(query)))

    def search_few(self, query: str, most: int) -> Positions | None:
        """Give what `search` would; None, in less time than that takes, where it may be more than so many."""
        sought = [*map(self._sought, _needles(query))]
        return self._ranked(sought) if sum(map(self._at_most, sought)) + self.changed <= most else None

    def containing(self, text: str) -> set[int]:
        """Give the positions of the clients of whom one field holds all words of `text` (folded)."""
        return set((self._hits(self._sought(text)) // _RANKS).tolist())

    def _sought(self, needle: str) -> _Sought:
        words = needle.split()
        return _Sought(needle, words, self._words.containing(dict.fromkeys(words)))

    def _at_most(self, sought: _Sought) -> int:
        numbers = self._numbers.at_most(sought.words) if _is_digits(sought.needle) else 0
        return self._words.times_held(sought.entries[0]) + numbers

    def _ranked(self, sought: Iterable[_Sought]) -> Positions:
        hits = np.concatenate([np.zeros(0, np.int64), *map(self._hits, sought)])
        hits.sort()
        clients = hits // _RANKS
        closest = hits[np.append(True, clients[1:] != clients[:-1])[: len(hits)]]
        by_rank = np.argsort(closest % _RANKS, kind="stable")
        found: Positions = closest[by_rank] // _RANKS
        return found

    def _hits(self, sought: _Sought) -> Positions:
        """Give the clients of whom a field holds all words, each with its rank: position * 3 + rank."""
        needle, words = sought.needle, sought.words
        fields = self._words.fields_with(sought.entries)
        positions = self._clients.take(fields).astype(np.int64)
        ranks = self._words.ranks(fields, words)
        if _is_digits(needle):
            clients, digit_ranks = self._numbers.search(words)
            positions, ranks = np.append(positions, clients), np.append(ranks, digit_ranks)
        hits = positions * _RANKS + ranks
        if not self._changed:
            return hits
        is_unchanged = ~np.isin(positions, np.fromiter(self._changed, np.int64))
        return np.append(hits[is_unchanged], [*self._changed_hits(needle, words)]).astype(np.int64)

    def _changed_hits(self, needle: str, words: list[str]) -> Iterator[int]:
        for position, fields in self._changed.items():
            for field in fields:
                if all(word in field for word in words):
                    yield position * _RANKS + _rank(needle, field)


def _fields(client: Client) -> list[str]:
    """Give the texts that a client is found by, folded."""
    return [*(fold(text) for text in (client.name, client.address) if text), *_codes(client)]


def _codes(client: Client) -> Iterator[str]:
    """Give document and phone as they are written, folded, and by their letters and digits alone."""
    if client.document:
        yield fold(client.document)
        yield document_key(client.document)
    if client.phone:
        yield fold(client.phone)
        yield from phone_keys(client.phone)


def _needles(query: str) -> list[str]:
    """Give the forms of a query to look for: its text, and its digits where it may be a number."""
    folded = fold(query)
    needles = [folded] if folded else []
    digits = phone_key(query) if _NUMBER.fullmatch(query) else ""
    return needles + ([digits] if len(digits) > 1 and digits != folded else [])


def _is_digits(needle: str) -> bool:
    return needle.replace(" ", "").isdigit()


def _rank(needle: str, field: str) -> int:
    if field == needle:
        return EXACT
    return PREFIX if field.startswith(needle) else INSIDE
