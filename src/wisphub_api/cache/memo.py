"""Answers that were made before, as many as fit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from wisphub_api.cache.representation import Representation


class Memo:
    """Keeps the answers asked for last; used by one thread.

    Args:
        max_bytes: How many bytes their bodies may have together.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._answers: OrderedDict[Hashable, Representation] = OrderedDict()

    def get(self, key: Hashable) -> Representation | None:
        """Give the answer to a question, where it is here."""
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def keep(self, key: Hashable, answer: Representation) -> None:
        """Keep an answer that was made now, in the place of those that were asked for longest ago."""
        if len(answer.body) > self._max_bytes:
            return
        before = self._answers.pop(key, None)
        self._answers[key] = answer
        self._bytes += len(answer.body) - (len(before.body) if before else 0)
        while self._bytes > self._max_bytes:
            _, oldest = self._answers.popitem(last=False)
            self._bytes -= len(oldest.body)
