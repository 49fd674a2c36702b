"""The indexes of one snapshot: from a document, a phone or a text to the clients that have it.

A search covers a client's name, address, document and phones. Documents and phones are also indexed by their
letters and digits alone, so `300 123` finds `+57 300-123-4567`. Long numbers are in a digit index, all other
fields in an inverted index.

Indexes are immutable. A few changed clients are kept beside them and compared one by one; with many of them a
new index is faster.
"""

from __future__ import annotations

import re
import time
from array import array
from collections.abc import Iterable, Iterator
from copy import copy
from typing import Final, NamedTuple, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wisphub_api.clients.models import Client
from wisphub_api.clients.search_index.digit_index import DigitIndex, DigitIndexBuilder, is_long_number
from wisphub_api.clients.search_index.inverted_index import (
    EXACT,
    INSIDE,
    PREFIX,
    InvertedIndex,
    InvertedIndexBuilder,
)
from wisphub_api.clients.search_index.lookup_index import LookupIndex, LookupIndexBuilder
from wisphub_api.clients.search_index.suffix_array import Numbers
from wisphub_api.clients.text import document_key, fold, phone_key, phone_keys

Positions = NDArray[np.int64]
STEP: Final = 32
"""How many clients are indexed in one step, for which the event loop may have to wait."""
MOST_REVISED: Final = 64
"""How many changed clients are kept beside an index; with more of them a new index is faster."""
Change = tuple[int, Client, Client]
"""A changed client: its position, as it was, as it is."""
_NUMBER: Final = re.compile(r"[\d\s+().-]+")
_RANKS: Final = 3
_FEW: Final = 16
"""Hits that are ranked one by one."""


class Indexes(Struct, frozen=True):
    """All indexes of a snapshot but the one by `service_id`."""

    documents: LookupIndex
    phones: LookupIndex
    search: SearchIndex

    def replaced(self, position: int, client: Client) -> Indexes:
        """Return the indexes with this client at a position."""
        return Indexes(
            self.documents.replaced(position, client),
            self.phones.replaced(position, client),
            self.search.replaced(position, client),
        )

    def revised(self, changes: Iterable[Change]) -> Indexes | None:
        """Return the indexes with these changed clients; None if a new index is faster."""
        indexes = self
        for position, before, after in changes:
            if indexes.search.changed > MOST_REVISED:
                return None
            if _indexed(before) != _indexed(after):
                indexes = indexes.replaced(position, after)
        return indexes if indexes.search.changed <= MOST_REVISED else None


def build_indexes(clients: Iterable[Client]) -> Indexes:
    """Return the indexes of all clients, built in steps between which other threads can run."""
    documents, phones = LookupIndexBuilder(_documents), LookupIndexBuilder(_phones)
    search = SearchIndexBuilder()
    for position, client in enumerate(clients):
        documents.add(client, position)
        phones.add(client, position)
        search.add(client)
        if position % STEP == 0:
            time.sleep(0)
    return Indexes(LookupIndex(documents), LookupIndex(phones), SearchIndex(search))


class SearchIndexBuilder:
    """Collects clients in their order."""

    def __init__(self) -> None:
        self.words = InvertedIndexBuilder()
        self.digits = DigitIndexBuilder()
        self.first_fields = array("i")

    def add(self, client: Client) -> None:
        """Add one more client."""
        position = len(self.first_fields)
        self.first_fields.append(len(self.words.lengths))
        for text in (client.name, client.address):
            if text:
                self.words.add(text)
        for field in dict.fromkeys(_codes(client)):
            if is_long_number(field):
                self.digits.add(field, position)
            else:
                self.words.add(field)


class _Sought(NamedTuple):
    """A form of a query, and the indexed words that contain parts of it.

    Attributes:
        needle: The folded text.
        words: Its words.
        containing: The indexed words that contain each word; those with the fewest postings come first.
    """

    needle: str
    words: list[str]
    containing: list[Numbers]


class SearchIndex:
    """An immutable index from text to the clients with a field that contains it.

    Args:
        builder: Has all clients; a hit is a client's position among them.
    """

    def __init__(self, builder: SearchIndexBuilder) -> None:
        self._words = InvertedIndex(builder.words)
        self._digits = DigitIndex(builder.digits)
        first_fields = np.append(np.frombuffer(builder.first_fields, np.int32), len(builder.words.lengths))
        self._clients = np.repeat(np.arange(len(builder.first_fields), dtype=np.int32), np.diff(first_fields))
        self._changed: dict[int, list[str]] = {}

    def replaced(self, position: int, client: Client) -> Self:
        """Return the index with this client at a position; its fields are kept beside the index."""
        index = copy(self)
        index._changed = self._changed | {position: _fields(client)}  # noqa: SLF001  # the copy
        return index

    @property
    def changed(self) -> int:
        """Return how many clients are kept beside the index."""
        return len(self._changed)

    def search(self, query: str) -> Positions:
        """Return the positions of the clients with a field that contains all words of `query`.

        Exact matches come first, then fields that begin with it, then the others, each in order.
        """
        return self._ranked(map(self._sought, _needles(query)))

    def search_few(self, query: str, most: int) -> Positions | None:
        """Return the result of `search`; None, in less time, if it may have more than `most` hits."""
        sought = [*map(self._sought, _needles(query))]
        return self._ranked(sought) if sum(map(self._at_most, sought)) + self.changed <= most else None

    def containing(self, text: str) -> set[int]:
        """Return the positions of the clients with a field that contains all words of `text` (folded)."""
        return set((self._hits(self._sought(text)) // _RANKS).tolist())

    def _sought(self, needle: str) -> _Sought:
        words = needle.split()
        return _Sought(needle, words, self._words.containing(dict.fromkeys(words)))

    def _at_most(self, sought: _Sought) -> int:
        numbers = self._digits.at_most(sought.words) if _is_digits(sought.needle) else 0
        return self._words.posting_count(sought.containing[0]) + numbers

    def _ranked(self, sought: Iterable[_Sought]) -> Positions:
        hits = np.concatenate([np.zeros(0, np.int64), *map(self._hits, sought)])
        if len(hits) <= _FEW:
            return _ranked_few(hits.tolist())
        hits.sort()
        clients = hits // _RANKS
        closest = hits[np.append(True, clients[1:] != clients[:-1])[: len(hits)]]
        by_rank = np.argsort(closest % _RANKS, kind="stable")
        found: Positions = closest[by_rank] // _RANKS
        return found

    def _hits(self, sought: _Sought) -> Positions:
        """Return `position * 3 + rank` of the clients with a field that contains all words."""
        needle, words = sought.needle, sought.words
        fields = self._words.fields_with(sought.containing)
        positions = self._clients.take(fields).astype(np.int64)
        ranks = self._words.ranks(fields, words)
        if _is_digits(needle):
            clients, digit_ranks = self._digits.search(words)
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


def _ranked_few(hits: list[int]) -> Positions:
    """Return what `_ranked` does; numpy's calls would take longer than few hits do."""
    closest: dict[int, int] = {}
    for hit in sorted(hits):
        closest.setdefault(hit // _RANKS, hit % _RANKS)
    return np.array(sorted(closest, key=closest.__getitem__), np.int64)


def _indexed(client: Client) -> tuple[str | None, ...]:
    return client.name, client.address, client.document, client.phone


def _documents(client: Client) -> list[str]:
    key = document_key(client.document or "")
    return [key] if key else []


def _phones(client: Client) -> list[str]:
    return phone_keys(client.phone or "")


def _fields(client: Client) -> list[str]:
    """Return the texts by which a client is found, folded."""
    return [*(fold(text) for text in (client.name, client.address) if text), *_codes(client)]


def _codes(client: Client) -> Iterator[str]:
    """Return document and phone as they are written, folded, and as their letters and digits alone."""
    if client.document:
        yield fold(client.document)
        yield document_key(client.document)
    if client.phone:
        yield fold(client.phone)
        yield from phone_keys(client.phone)


def _needles(query: str) -> list[str]:
    """Return the forms of a query to search for: its text, and its digits if it may be a number."""
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
