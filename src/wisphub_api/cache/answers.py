"""Answers that were made before, in one memory for all resources.

An answer is kept with the version of the value it was made from (`Slot.version`); one of another version is
not found, and leaves when it is the least recently used. So a new value costs nothing here, and no old one is
kept alive by its answers.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from wisphub_api.cache.representation import Representation

MAX_BYTES: Final = 32 * 1024 * 1024
ENTRY_BYTES: Final = 1_600
"""What an entry takes at most beside the characters of its question and its body: its validator and encoded
header fields (1,250 bytes by `tracemalloc`, which a test holds against what is counted)."""
_CHAR_BYTES: Final = 4
"""What a character of a text may take in memory."""


class Question(NamedTuple):
    """What is asked of a value.

    Attributes:
        name: What kind of question it is.
        text: What is looked for; empty where the question has no argument.
        limit: How many items to return; None for all.
        offset: How many to leave out first.
    """

    name: str
    text: str = ""
    limit: int | None = None
    offset: int = 0


class _Entry(NamedTuple):
    version: int
    answer: Representation
    size: int


class Answers:
    """Keeps the answers that were used last; used by one thread.

    Args:
        max_bytes: What keys, bodies and entries may take together.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[Question, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, question: Question, version: int) -> Representation | None:
        """Return the answer that was made from this version."""
        entry = self._entries.get(question)
        if entry is None or entry.version != version:
            return None
        self._entries.move_to_end(question)
        return entry.answer

    def put(self, question: Question, version: int, answer: Representation) -> None:
        """Keep an answer in the place of those that were used longest ago; one that is too large is not."""
        size = ENTRY_BYTES + len(question.text) * _CHAR_BYTES + len(answer.body)
        before = self._entries.pop(question, None)
        self._bytes -= before.size if before else 0
        if size > self._max_bytes:
            return
        self._entries[question] = _Entry(version, answer, size)
        self._bytes += size
        while self._bytes > self._max_bytes:
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= oldest.size
