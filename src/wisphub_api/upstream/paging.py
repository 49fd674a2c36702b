"""Reading a paged list whole, although it changes while it is read.

Pages are asked for by our own offsets and overlap by one row. Where two neighbours do not agree on
the row they share, or the total changes, rows have shifted between two requests: what was read is
thrown away and the crawl begins anew. A row that repeats without such a shift is the upstream's
own, and is kept once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from msgspec import Struct

from wisphub_api.exceptions import CrawlIncomplete
from wisphub_api.upstream.wire import Page

R = TypeVar("R")
Fetch = Callable[[int, int], Awaitable[Page[R]]]
logger = logging.getLogger(__name__)

PAGE_LIMIT: Final = 300
"""The most rows that WispHub Net gives at once."""
_NOT_WHOLE: Final = "WispHub Net's list could not be read whole"
CRAWLS: Final = 3
"""How often a list that changes under our hands is begun anew."""


class Crawl(Struct, Generic[R], frozen=True):
    """A list read whole.

    Attributes:
        rows: Its rows, each key once.
        set_aside: How many rows had no usable id.
    """

    rows: list[R]
    set_aside: int


async def crawl(fetch: Fetch[R], key: Callable[[R], int]) -> Crawl[R]:
    """Read a list whole, its pages side by side.

    Args:
        fetch: Gives the page at (offset, limit); it alone bounds how many are under way.
        key: What tells rows apart.

    Raises:
        CrawlIncomplete: The list changed each time it was read, or is not whole.
        UpstreamError: A page could not be read.
    """
    for begun in range(1, CRAWLS + 1):
        try:
            return await _crawl_once(fetch, key)
        except CrawlIncomplete as error:
            if begun == CRAWLS:
                raise
            logger.info("crawl begun anew: %s", error)
    raise AssertionError


async def _crawl_once(fetch: Fetch[R], key: Callable[[R], int]) -> Crawl[R]:
    first = await fetch(0, PAGE_LIMIT)
    size = len(first.rows)
    if size < min(first.count, 1):
        raise CrawlIncomplete(f"{_NOT_WHOLE}: its first page is empty")
    overlap = 1 if size > 1 else 0
    step = max(size - overlap, 1)
    offsets = range(step, first.count - overlap, step)
    pages = await _side_by_side([fetch(offset, size) for offset in offsets])
    rows = _join(first, pages, overlap, key)
    if len(rows) != first.count or any(page.count != first.count for page in pages):
        raise CrawlIncomplete(f"{_NOT_WHOLE}: its length changed meanwhile")
    unique = {key(row): row for row in rows if row is not None}
    return Crawl(list(unique.values()), sum(row is None for row in rows))


def _join(first: Page[R], pages: Sequence[Page[R]], overlap: int, key: Callable[[R], int]) -> list[R | None]:
    """Lay pages end to end, the first row of each on the last of the one before."""
    rows = list(first.rows)
    for page in pages:
        for seam, last in zip(page.rows[:overlap], rows[-1:], strict=False):
            if seam is not None and last is not None and key(seam) != key(last):
                raise CrawlIncomplete(f"{_NOT_WHOLE}: its rows shifted meanwhile")
        rows.extend(page.rows[overlap:])
    return rows


async def _side_by_side(calls: Sequence[Awaitable[Page[R]]]) -> list[Page[R]]:
    """Await all; the first failure stops the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_awaited(call)) for call in calls]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def _awaited(call: Awaitable[Page[R]]) -> Page[R]:
    return await call
