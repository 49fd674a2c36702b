"""Which clients have a document or a phone that holds these digits?

A number is a field of its own, and nearly each is another: it leads to its client, without the tables that
words need.
"""

from __future__ import annotations

from array import array
from typing import Final

import numpy as np

from wisphub_api.clients.entries import Entries, EntriesBuilder, Numbers
from wisphub_api.clients.words import EXACT, INSIDE, PREFIX

_LONG: Final = 6
"""Digits; shorter numbers come often enough to be words."""


def is_long_number(field: str) -> bool:
    """Tell whether a field is better kept here than among the words."""
    return len(field) >= _LONG and field.isascii() and field.isdigit()


class NumberIndexBuilder:
    """Takes long numbers, in their clients' order."""

    def __init__(self) -> None:
        self.entries = EntriesBuilder()
        self.clients = array("i")

    def add(self, number: str, position: int) -> None:
        """Take a number of the client at a position."""
        self.entries.add(number)
        self.clients.append(position)


class NumberIndex:
    """Finds clients by digits in their numbers; immutable.

    Args:
        builder: Was given the numbers.
    """

    def __init__(self, builder: NumberIndexBuilder) -> None:
        self._entries = Entries(builder.entries)
        self._clients = np.frombuffer(builder.clients, np.int32)

    def at_most(self, words: list[str]) -> int:
        """Bound from above how many numbers hold all words, in hardly any time."""
        return min(map(self._entries.times, words))

    def search(self, words: list[str]) -> tuple[Numbers, Numbers]:
        """Give the positions of the clients of whom one number holds all words, and how well it fits.

        A client comes as often as it fits.
        """
        found = min(map(self._entries.places_of, words), key=len)
        numbers = self._entries.words_at(found)
        if len(words) > 1:
            sought = [word.encode(errors="replace") for word in words]
            whole = self._entries.word
            held = [number for number in numbers.tolist() if all(word in whole(number) for word in sought)]
            numbers = np.array(held, np.int32)
            return self._clients[numbers], np.full(len(numbers), INSIDE, np.int32)
        is_whole = self._entries.lengths(numbers) == len(words[0])
        ranks = np.where(is_whole, np.int32(EXACT), np.int32(PREFIX))
        ranks[~self._entries.is_beginning(numbers, found)] = INSIDE
        return self._clients[numbers], ranks
