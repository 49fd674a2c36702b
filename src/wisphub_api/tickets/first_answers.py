"""The first answer to a request that must not be carried out twice, given again to whoever repeats it.

What `Idempotency-Key` asks for: see draft-ietf-httpapi-idempotency-key-header, section 2.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Final, Generic, TypeVar

from wisphub_api.exceptions import InvalidRequest, UpstreamUncertain, WispHubAPIError

V = TypeVar("V")
KEEP_S: Final = 86_400.0
MOST: Final = 10_000
KEY_PATTERN: Final = r"^[\x21-\x7e]{1,255}$"


class _Entry(Generic[V]):
    def __init__(self, request: object, act: Callable[[], Coroutine[Any, Any, V]], begun_at: float) -> None:
        self.request = request
        self.act = act
        self.begun_at = begun_at
        self.task: asyncio.Task[V] | None = None


class FirstAnswers(Generic[V]):
    """Carries out each request once per key; safe to call from many tasks at once.

    It knows of a day's requests, in the memory of this process, of the latest `most` of them. One that
    failed with nothing done is forgotten: its key is free again. One whose outcome is uncertain is kept.

    Args:
        keep_s: How long an answer is kept, in seconds.
        most: How many are kept.
        clock: Seconds on a monotonic clock.
    """

    def __init__(
        self, keep_s: float = KEEP_S, most: int = MOST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keep_s = keep_s
        self._most = most
        self._clock = clock
        self._entries: dict[tuple[str, str], _Entry[V]] = {}  # the oldest first

    async def give(
        self, name: tuple[str, str], request: object, act: Callable[[], Coroutine[Any, Any, V]]
    ) -> V:
        """Carry the request out, or give the answer to the one before; wait for one that is under way.

        Args:
            name: The caller and the caller's key.
            request: What is asked; compared with the one before.
            act: Carries it out. After an uncertain outcome the first request's own is called again: it
                must look before it acts.

        Raises:
            InvalidRequest: The key is no key, or came with another request before.
            WispHubAPIError: What `act` raises.
        """
        _check(key=name[1])
        self._forget(lambda entry: entry.begun_at < self._clock() - self._keep_s)
        entry = self._entries.setdefault(name, _Entry(request, act, self._clock()))
        self._forget(lambda _: len(self._entries) > self._most)
        if entry.request != request:
            raise InvalidRequest(_USED, field=HEADER)
        task = entry.task
        if task is None or _has_failed(task):
            # In a task of its own: a caller that goes away must not leave the outcome unknown.
            task = entry.task = asyncio.create_task(self._run(name, entry), context=Context())
        return await asyncio.shield(task)

    async def _run(self, name: tuple[str, str], entry: _Entry[V]) -> V:
        try:
            return await entry.act()
        except UpstreamUncertain:
            raise
        except WispHubAPIError:
            if self._entries.get(name) is entry:
                del self._entries[name]
            raise

    def _forget(self, is_to_go: Callable[[_Entry[V]], bool]) -> None:
        """Drop the oldest for as long as they are to go."""
        while self._entries and is_to_go(next(iter(self._entries.values()))):
            del self._entries[next(iter(self._entries))]


def _has_failed(task: asyncio.Task[V]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


HEADER: Final = "Idempotency-Key"
_USED: Final = f"`{HEADER}` came with another request before: a new request needs a new one."


def _check(key: str) -> None:
    if not re.fullmatch(KEY_PATTERN, key):
        raise InvalidRequest(f"`{HEADER}` is 1 to 255 visible ASCII characters.", field=HEADER)
