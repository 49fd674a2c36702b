"""Answers that were made before, as many as fit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

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

    def get(self, key: Hashable, make: Callable[[], Representation]) -> Representation:
        """Give the answer to a question, made unless it is here."""
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
            return answer
        answer = make()
        self._keep(key, answer)
        return answer

    def _keep(self, key: Hashable, answer: Representation) -> None:
        if len(answer.body) > self._max_bytes:
            return
        self._answers[key] = answer
        self._bytes += len(answer.body)
        while self._bytes > self._max_bytes:
            _, oldest = self._answers.popitem(last=False)
            self._bytes -= len(oldest.body)
