"""Tasks that go on for ever, and the end of tasks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")
logger = logging.getLogger(__name__)

ASK_AGAIN_S: Final = 0.1
AFTER_ERROR_S: Final = 1.0


async def for_ever(step: Callable[[], Awaitable[object]], what: str) -> None:
    """Do it again and again."""
    while True:
        try:
            await step()
        except Exception:  # a bug here must not cut this process off from the others, unnoticed
            logger.exception("%s: a step failed, and is done again", what)
            await asyncio.sleep(AFTER_ERROR_S)


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Give what a coroutine gives that waits for nothing, without a task of its own.

    Raises:
        RuntimeError: It waits for something.
    """
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("it waits for something")


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they have ended.

    Again and again, as `asyncio.wait_for` may lose a cancellation in Python 3.11, and libraries use it.
    """
    while pending := {task for task in tasks if not task.done()}:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=ASK_AGAIN_S)
