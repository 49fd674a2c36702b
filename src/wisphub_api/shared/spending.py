"""Spending from several limits in one step: the decision, and its execution in batches.

A batch is what the tasks of this process ask for in one iteration of the event loop, and what has come while
the batch before was under way. Only one batch is under way at a time: operations take effect in the order in
which they were called, and a store that has to be waited for is waited for once a batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import Context
from typing import Final, NamedTuple

from msgspec import Struct

MOST_AT_ONCE: Final = 256
"""Operations in a batch: no other user of the store waits for more than a few milliseconds."""
CLOCKS_DIFFER_S: Final = 2.0
"""By so much the clocks of two machines may differ; what comes from a later future is not believed."""


class Limit(Struct, frozen=True):
    """A limit on what is counted under a key in a window, which begins with its first count."""

    key: str
    most: int
    window_s: float


class Spent(Struct, frozen=True):
    """The outcome of one operation.

    Attributes:
        is_granted: False: one of the limits is reached, and nothing was counted.
        used: What has been counted in the window of the limit that refused, else of the first one.
        ends_s: Until that window ends, in seconds.
    """

    is_granted: bool
    used: int
    ends_s: float


class Spending(NamedTuple):
    """One operation.

    Attributes:
        limits: At least one.
        amount: 0 counts nothing, and is refused where nothing more could be counted.
    """

    limits: Sequence[Limit]
    amount: int


class Window(NamedTuple):
    """What has been counted, and when that ends."""

    used: int
    ends: float


Windows = Callable[[str], Window | None]


def decide(spending: Spending, windows: Windows, now: float) -> tuple[Spent, list[Window]]:
    """Return the outcome, and the windows as they are then; none where nothing is counted.

    Args:
        spending: What is asked for.
        windows: Returns the window under a key, whether or not it has ended.
        now: In seconds on the clock of the windows.
    """
    limits, amount = spending
    found = [_current(windows(limit.key), limit, now) for limit in limits]
    for limit, window in zip(limits, found, strict=True):
        if window.used + (amount or 1) > limit.most:
            return Spent(is_granted=False, used=window.used, ends_s=window.ends - now), []
    first = found[0]
    spent = Spent(is_granted=True, used=first.used + amount, ends_s=first.ends - now)
    return spent, [Window(used + amount, ends) for used, ends in found] if amount else []


def _current(window: Window | None, limit: Limit, now: float) -> Window:
    """Return the window, or a new one where it has ended, or was begun before the clock was set back."""
    if window is not None and now < window.ends <= now + limit.window_s + CLOCKS_DIFFER_S:
        return window
    return Window(0, now + limit.window_s)


Execute = Callable[[Sequence[Spending]], Awaitable[Iterable[Spent]]]


class Batches:
    """Executes operations together and in order.

    Args:
        execute: Executes the operations of one batch in their order, and returns as many outcomes.
    """

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._pending: list[tuple[Spending, asyncio.Future[Spent]]] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, spending: Spending) -> asyncio.Future[Spent]:
        """Execute an operation with the next batch; it takes effect even where nobody awaits its outcome."""
        outcome = asyncio.get_running_loop().create_future()
        self._pending.append((spending, outcome))
        if self._task is None:  # a task begins with the next iteration of the event loop, at the earliest
            self._task = asyncio.create_task(self._run(), name="spending", context=Context())
        return outcome

    async def close(self) -> None:
        """Wait until everything has been executed."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            while self._pending:
                batch, self._pending = self._pending[:MOST_AT_ONCE], self._pending[MOST_AT_ONCE:]
                await self._run_batch(batch)
        finally:
            self._task = None

    async def _run_batch(self, batch: list[tuple[Spending, asyncio.Future[Spent]]]) -> None:
        outcomes = [outcome for _, outcome in batch]
        try:
            results = await self._execute([spending for spending, _ in batch])
        except Exception as error:  # noqa: BLE001  # it is raised where the operation was called
            for outcome in outcomes:
                if not outcome.done():
                    outcome.set_exception(error)
        else:
            for outcome, result in zip(outcomes, results, strict=True):
                if not outcome.done():  # its caller may have gone
                    outcome.set_result(result)
        finally:
            for outcome in outcomes:  # of a task that is cancelled: the event loop ends
                outcome.cancel()
