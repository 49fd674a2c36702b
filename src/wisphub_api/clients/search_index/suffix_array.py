"""A suffix array: which words contain this text?

All places in all words are sorted by the text that begins there, so that bisection finds a text.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]
END: Final = "\n"
_SORTED: Final = 8
"""Bytes by which places are sorted; the rest of a longer text is compared."""


class SuffixArrayBuilder:
    """Collects words, numbered in order."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.begins = array("i", [0])

    def add(self, word: str) -> int:
        """Add a word and return its number."""
        self.text += word.encode()
        self.text += b"\n"
        self.begins.append(len(self.text))
        return len(self.begins) - 2


class SuffixArray:
    """An immutable index from a text to its places in words.

    Args:
        builder: Has the words; it must not be used again.
    """

    def __init__(self, builder: SuffixArrayBuilder) -> None:
        self._text = bytes(builder.text)
        builder.text.clear()
        self._begins = np.frombuffer(builder.begins, np.int32)
        self._sorted = _sorted_places(self._text)
        self._view = self._sorted.data
        self._range_of = lru_cache(1)(self._bisect)  # `times` is mostly followed by `places_of`

    def __len__(self) -> int:
        return len(self._begins) - 1

    def word(self, number: int) -> bytes:
        """Return a word."""
        return self._text[self._begins[number] : self._begins[number + 1] - 1]

    def places_of(self, text: str) -> Numbers:
        """Return the places of the text, in ascending order; a text with `END` is at the end of a word."""
        whole, words = text.encode(errors="replace"), self._text
        low, high = self._range_of(whole[:_SORTED])
        places = np.sort(self._sorted[low:high])
        if len(whole) <= _SORTED:
            return places
        return np.array([at for at in places.tolist() if words.startswith(whole, at)], np.int32)

    def times(self, text: str) -> int:
        """Return how many places the text has; for a long text an upper bound."""
        low, high = self._range_of(text.encode(errors="replace")[:_SORTED])
        return high - low

    def _bisect(self, head: bytes) -> tuple[int, int]:
        """Return the range of sorted places of the head of a text."""
        words, size = self._text, len(head)

        def begin(at: int) -> bytes:
            return words[at : at + size]

        low = bisect_left(self._view, head, key=begin)
        return low, bisect_right(self._view, head, lo=low, key=begin)

    def words_at(self, places: Numbers) -> Numbers:
        """Return the words at ascending places."""
        return (np.searchsorted(self._begins, places, "right") - 1).astype(np.int32)

    def containing(self, text: str) -> Numbers:
        """Return the words that contain the text, in ascending order."""
        return distinct(self.words_at(self.places_of(text)))

    def beginning(self, text: str) -> Numbers:
        """Return the words that begin with the text, in ascending order."""
        places = self.places_of(text)
        words = self.words_at(places)
        return words.compress(self.is_beginning(words, places))

    def is_beginning(self, words: Numbers, places: Numbers) -> NDArray[np.bool_]:
        """Return for each place whether its word begins there."""
        return np.equal(self._begins.take(words), places)

    def lengths(self, words: Numbers) -> Numbers:
        """Return how many bytes each word has."""
        return np.subtract(self._begins.take(words + 1), self._begins.take(words) + 1)


def distinct(ascending: Numbers) -> Numbers:
    """Return each number once."""
    if len(ascending) < 2:  # noqa: PLR2004  # most are; the calls below would take longer than all the rest
        return ascending
    return ascending.compress(np.append(True, ascending[1:] != ascending[:-1])[: len(ascending)])


def _sorted_places(text: bytes) -> Numbers:
    """Return all places but the words' ends, sorted by the text that begins there.

    Places with the same first byte are sorted separately, so that only their keys are in memory at once.
    """
    chars = np.frombuffer(text, np.uint8)
    padded = np.frombuffer(text + END.encode() * _SORTED, np.uint8)
    ordered = np.zeros(len(text) - text.count(END.encode()), np.int32)
    end = 0
    for char in (char for char in range(256) if char != ord(END) and bytes((char,)) in text):
        places = np.flatnonzero(chars == char).astype(np.int32)
        keys = np.zeros(len(places), np.uint64)
        for offset in range(_SORTED):
            keys = keys << np.uint64(8) | padded[places + offset]
        begin, end = end, end + len(places)
        ordered[begin:end] = places[np.argsort(keys)]
    return ordered
