"""Which fields hold these words? A word stands once, however many fields hold it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wisphub_api.clients.entries import END, Entries, EntriesBuilder, Numbers, distinct
from wisphub_api.clients.sorting import groups_of, starts_of
from wisphub_api.clients.text import fold

EXACT: Final = 0
PREFIX: Final = 1
INSIDE: Final = 2
_WORDS: Final = 16
"""Fields; it takes as long to look through the words of one as through so many fields of a word."""
_STEPS: Final = 4
"""Fields; it takes as long to look one up in a word's as to mark so many."""
_HIGH: Final = 32
"""Bits; above them stands the word by which fields are sorted."""


class WordIndexBuilder:
    """Takes fields as they come; they are told by their numbers, as added."""

    def __init__(self) -> None:
        self.entries = EntriesBuilder()
        self.sequence = array("i")
        self.lengths = array("i")
        self._known = _KnownWords(self.entries)

    def add(self, text: str) -> None:
        """Take the text of one more field."""
        known, before = self._known, len(self.sequence)
        for word in text.split():
            self.sequence.extend(known[word])
        self.lengths.append(len(self.sequence) - before)


class _KnownWords(dict[str, tuple[int, ...]]):
    """The numbers of a word as it is written: folded, it may be several words, or none."""

    def __init__(self, entries: EntriesBuilder) -> None:
        super().__init__()
        self._entries = entries
        self._folded: dict[str, int] = {}

    def __missing__(self, written: str) -> tuple[int, ...]:
        numbers = self[written] = tuple(map(self._number, fold(written).split()))
        return numbers

    def _number(self, word: str) -> int:
        number = self._folded.get(word)
        if number is None:
            number = self._folded[word] = self._entries.add(word)
        return number


class WordIndex:
    """Finds fields by what their words contain; immutable.

    Args:
        builder: Was given the fields.
    """

    def __init__(self, builder: WordIndexBuilder) -> None:
        self._entries = Entries(builder.entries)
        self._words = np.frombuffer(builder.sequence, np.int32)
        self._fields = starts_of(np.frombuffer(builder.lengths, np.int32))
        self._holders = _holders(self._words, self._fields)
        held = np.bincount(self._words, minlength=len(self._entries))
        self._holder_starts = starts_of(held.astype(np.int32))

    def containing(self, words: Iterable[str]) -> list[Numbers]:
        """Give for each word the entries that contain it, those that the fewest fields hold first."""
        return sorted(map(self._entries.containing, words), key=self.times_held)

    def times_held(self, entries: Numbers) -> int:
        """Tell how often fields hold these entries: no more fields hold one of them."""
        starts = self._holder_starts
        return int((starts.take(entries + 1) - starts.take(entries)).sum())

    def fields_with(self, containing: list[Numbers]) -> Numbers:
        """Give the fields that hold one entry of each of the given, in ascending order."""
        fewest, *others = containing
        fields = self._holders_of(fewest)
        for numbers in others:
            fields = fields.compress(self._hold_any(fields, numbers))
        return fields if len(fewest) == 1 else distinct(np.sort(fields))

    def ranks(self, fields: Numbers, words: list[str]) -> Numbers:
        """Tell of each field whether it is these words, begins with them, or neither."""
        ranks = np.full(len(fields), INSIDE, np.int32)
        *whole, last = words
        begins = self._fields[fields]
        lengths = self._fields[fields + 1] - begins
        found = np.flatnonzero(lengths >= len(words))
        for place, word in enumerate(whole):
            found = found[self._is_at(begins[found] + place, word + END)]
        at = begins + len(whole)
        found = found[self._is_at(at[found], last)]
        ranks[found] = PREFIX
        found = found[lengths[found] == len(words)]
        ranks[found[self._is_at(at[found], last + END)]] = EXACT
        return ranks

    def _is_at(self, places: Numbers, text: str) -> NDArray[np.bool_]:
        """Tell whether the word at each place begins with the text."""
        if not len(places):
            return np.zeros(0, np.bool_)
        return _among(self._words.take(places), self._entries.beginning(text), len(self._entries))

    def _hold_any(self, fields: Numbers, words: Numbers) -> NDArray[np.bool_]:
        """Tell of each field whether it holds one of the words, the way that looks at the least."""
        times_held = self.times_held(words)
        if len(words) > 1 and len(fields) * _WORDS < times_held:
            return self._have_any(fields, words)
        if len(words) == 1 and len(fields) * _STEPS < times_held:
            holders = self._holders_of(words)
            return np.equal(holders.take(np.searchsorted(holders, fields), mode="clip"), fields)
        return _among(fields, self._holders_of(words), len(self._fields) - 1)

    def _have_any(self, fields: Numbers, words: Numbers) -> NDArray[np.bool_]:
        """Tell of each field, which has words, whether one of them is among those; each is looked at once."""
        if not len(fields):
            return np.zeros(0, np.bool_)
        each, places = np.unique(fields, return_inverse=True)
        held = _among(groups_of(self._fields, self._words, each), words, len(self._entries))
        begins = starts_of(self._fields.take(each + 1) - self._fields.take(each))[:-1]
        return np.logical_or.reduceat(held, begins).take(places)

    def _holders_of(self, words: Numbers) -> Numbers:
        return groups_of(self._holder_starts, self._holders, words)


def _holders(words: Numbers, fields: Numbers) -> Numbers:
    """Give the fields that hold each word, word after word; a field that holds it twice comes twice."""
    held = words.astype(np.int64)
    held <<= _HIGH
    held |= np.repeat(np.arange(len(fields) - 1, dtype=np.int32), np.diff(fields))
    held.sort()
    return held.astype(np.int32)  # the lower half: the fields


def _among(numbers: Numbers, wanted: Numbers, end: int) -> NDArray[np.bool_]:
    """Tell of each number whether it is wanted; all are below the end."""
    is_wanted = np.zeros(end, np.bool_)
    is_wanted[wanted] = True
    return is_wanted.take(numbers)
