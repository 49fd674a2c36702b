"""An inverted index: which fields contain these words?

It has each word once, with its *postings*: the fields that contain it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wisphub_api.clients.search_index.suffix_array import (
    END,
    Numbers,
    SuffixArray,
    SuffixArrayBuilder,
    distinct,
)
from wisphub_api.clients.text import fold

EXACT: Final = 0
PREFIX: Final = 1
INSIDE: Final = 2
_WORDS: Final = 16
"""Fields; reading the words of one field takes as long as reading this many postings of a word."""
_STEPS: Final = 4
"""Fields; finding one in a word's postings takes as long as marking this many."""
_FEW: Final = 4
"""Fields; reading this many one by one takes less time than numpy's calls."""
_HIGH: Final = 32
"""Bits of a field in a sort key; the bits above them are the word."""
_MANY: Final = 256
"""Groups; fewer are processed one by one."""


class InvertedIndexBuilder:
    """Collects fields, numbered in order."""

    def __init__(self) -> None:
        self.suffixes = SuffixArrayBuilder()
        self.sequence = array("i")
        self.lengths = array("i")
        self._known = _KnownWords(self.suffixes)

    def add(self, text: str) -> None:
        """Add the text of one more field."""
        known, before = self._known, len(self.sequence)
        for word in text.split():
            self.sequence.extend(known[word])
        self.lengths.append(len(self.sequence) - before)


class _KnownWords(dict[str, tuple[int, ...]]):
    """Return the numbers of a word as written: folded, it may be several words, or none."""

    def __init__(self, suffixes: SuffixArrayBuilder) -> None:
        super().__init__()
        self._suffixes = suffixes
        self._folded: dict[str, int] = {}

    def __missing__(self, written: str) -> tuple[int, ...]:
        numbers = self[written] = tuple(map(self._number, fold(written).split()))
        return numbers

    def _number(self, word: str) -> int:
        number = self._folded.get(word)
        if number is None:
            number = self._folded[word] = self._suffixes.add(word)
        return number


class InvertedIndex:
    """An immutable index from parts of words to the fields that contain them.

    Args:
        builder: Has the fields; it must not be used again.
    """

    def __init__(self, builder: InvertedIndexBuilder) -> None:
        self._suffixes = SuffixArray(builder.suffixes)
        self._words = np.frombuffer(builder.sequence, np.int32)
        self._fields = starts_of(np.frombuffer(builder.lengths, np.int32))
        self._postings = _postings(self._words, self._fields)
        counts = np.bincount(self._words, minlength=len(self._suffixes))
        self._posting_starts = starts_of(counts.astype(np.int32))

    def containing(self, words: Iterable[str]) -> list[Numbers]:
        """Return for each text the indexed words that contain it, those with the fewest postings first."""
        return sorted(map(self._suffixes.containing, words), key=self.posting_count)

    def posting_count(self, words: Numbers) -> int:
        """Return how many postings these words have: an upper bound of the fields that contain one."""
        starts = self._posting_starts
        return int((starts.take(words + 1) - starts.take(words)).sum())

    def fields_with(self, containing: list[Numbers]) -> Numbers:
        """Return the fields that contain a word of each of the given groups, in ascending order."""
        fewest, *others = containing
        fields = self._postings_of(fewest)
        for words in others:
            fields = fields.compress(self._hold_any(fields, words))
        return fields if len(fewest) == 1 else distinct(np.sort(fields))

    def ranks(self, fields: Numbers, words: list[str]) -> Numbers:
        """Return for each field whether it is these words, begins with them, or neither."""
        if len(fields) <= _FEW:
            return np.array([self._rank(field, words) for field in fields.tolist()], np.int32)
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

    def _rank(self, field: int, words: list[str]) -> int:
        begin, end = self._fields[field], self._fields[field + 1]
        if end - begin < len(words):
            return INSIDE
        there = [self._suffixes.word(number) for number in self._words[begin : begin + len(words)]]
        *whole, last = [word.encode(errors="replace") for word in words]
        if there[:-1] != whole or not there[-1].startswith(last):
            return INSIDE
        return EXACT if end - begin == len(words) and there[-1] == last else PREFIX

    def _is_at(self, places: Numbers, text: str) -> NDArray[np.bool_]:
        """Return for each place whether its word begins with the text."""
        if not len(places):
            return np.zeros(0, np.bool_)
        return _among(self._words.take(places), self._suffixes.beginning(text), len(self._suffixes))

    def _hold_any(self, fields: Numbers, words: Numbers) -> NDArray[np.bool_]:
        """Return for each field whether it contains one of the words, by the method that reads the least."""
        count = self.posting_count(words)
        if len(words) > 1 and len(fields) * _WORDS < count:
            return self._have_any(fields, words)
        if len(words) == 1 and len(fields) * _STEPS < count:
            postings = self._postings_of(words)
            return np.equal(postings.take(np.searchsorted(postings, fields), mode="clip"), fields)
        return _among(fields, self._postings_of(words), len(self._fields) - 1)

    def _have_any(self, fields: Numbers, words: Numbers) -> NDArray[np.bool_]:
        """Return for each field whether one of its words is among those; every field has words.

        A field that occurs several times is read once.
        """
        if not len(fields):
            return np.zeros(0, np.bool_)
        each, places = np.unique(fields, return_inverse=True)
        held = _among(groups_of(self._fields, self._words, each), words, len(self._suffixes))
        begins = starts_of(self._fields.take(each + 1) - self._fields.take(each))[:-1]
        return np.logical_or.reduceat(held, begins).take(places)

    def _postings_of(self, words: Numbers) -> Numbers:
        return groups_of(self._posting_starts, self._postings, words)


def _postings(words: Numbers, fields: Numbers) -> Numbers:
    """Return the postings of word after word; a field that contains a word twice occurs twice."""
    held = words.astype(np.int64)
    held <<= _HIGH
    held |= np.repeat(np.arange(len(fields) - 1, dtype=np.int32), np.diff(fields))
    held.sort()
    return held.astype(np.int32)  # the lower half: the fields


def _among(numbers: Numbers, wanted: Numbers, end: int) -> NDArray[np.bool_]:
    """Return for each number whether it is wanted; all are below `end`."""
    is_wanted = np.zeros(end, np.bool_)
    is_wanted[wanted] = True
    return is_wanted.take(numbers)


def starts_of(lengths: Numbers) -> Numbers:
    """Return where each of some adjacent groups begins, and where the last ends."""
    starts = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=starts[1:])
    return starts


def groups_of(starts: Numbers, values: Numbers, groups: Numbers) -> Numbers:
    """Return the values of some groups, one group after the other."""
    begins, ends = starts.take(groups), starts.take(groups + 1)
    if len(groups) == 1:
        return values[begins[0] : ends[0]]
    if len(groups) < _MANY:
        bounds = zip(begins.tolist(), ends.tolist(), strict=True)
        return np.concatenate([values[:0], *(values[begin:end] for begin, end in bounds)])
    lengths = ends - begins
    shifts = begins - starts_of(lengths)[:-1]
    return values.take(np.repeat(shifts, lengths) + np.arange(lengths.sum(), dtype=np.int32))
