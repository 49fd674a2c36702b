"""A digit index: which clients have a document or a phone with these digits?

A number is a whole field and nearly always unique, so it refers to its client directly, without the tables of
an inverted index.
"""

from __future__ import annotations

from array import array
from typing import Final

import numpy as np

from wisphub_api.clients.search_index.inverted_index import EXACT, INSIDE, PREFIX
from wisphub_api.clients.search_index.suffix_array import Numbers, SuffixArray, SuffixArrayBuilder

_LONG: Final = 6
"""Digits; shorter numbers are frequent enough to be words."""


def is_long_number(field: str) -> bool:
    """Return whether a field belongs into this index rather than into the inverted index."""
    return len(field) >= _LONG and field.isascii() and field.isdigit()


class DigitIndexBuilder:
    """Collects long numbers, in the order of their clients."""

    def __init__(self) -> None:
        self.suffixes = SuffixArrayBuilder()
        self.clients = array("i")

    def add(self, number: str, position: int) -> None:
        """Add a number of the client at a position."""
        self.suffixes.add(number)
        self.clients.append(position)


class DigitIndex:
    """An immutable index from digits to the clients whose numbers contain them.

    Args:
        builder: Has the numbers; it must not be used again.
    """

    def __init__(self, builder: DigitIndexBuilder) -> None:
        self._suffixes = SuffixArray(builder.suffixes)
        self._clients = np.frombuffer(builder.clients, np.int32)

    def at_most(self, words: list[str]) -> int:
        """Return an upper bound of the count of numbers with all words, in almost no time."""
        return min(map(self._suffixes.times, words))

    def search(self, words: list[str]) -> tuple[Numbers, Numbers]:
        """Return the positions of the clients with a number that contains all words, and its rank.

        A client occurs once for each number that matches.
        """
        found = min(map(self._suffixes.places_of, words), key=len)
        numbers = self._suffixes.words_at(found)
        if len(words) > 1:
            sought = [word.encode(errors="replace") for word in words]
            whole = self._suffixes.word
            held = [number for number in numbers.tolist() if all(word in whole(number) for word in sought)]
            numbers = np.array(held, np.int32)
            return self._clients[numbers], np.full(len(numbers), INSIDE, np.int32)
        is_whole = self._suffixes.lengths(numbers) == len(words[0])
        ranks = np.where(is_whole, np.int32(EXACT), np.int32(PREFIX))
        ranks[~self._suffixes.is_beginning(numbers, found)] = INSIDE
        return self._clients[numbers], ranks
