"""Reading a paged list whole, although it changes while it is read.

Pages are asked for by our own offsets and overlap by a few rows. Where two neighbours do not agree on
the rows they share, where the total changes, or where a row comes twice, rows have moved between two
requests: what was read is thrown away and the crawl begins anew. Where two crawls on end give the same
rows, those that come twice are the upstream's own, and are kept once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct

from wisphub_api.exceptions import CrawlIncomplete
from wisphub_api.upstream.wire import Page

R = TypeVar("R")
Fetch = Callable[[int, int], Coroutine[Any, Any, Page[R]]]
logger = logging.getLogger(__name__)

PAGE_LIMIT: Final = 300
"""The most rows that WispHub Net gives at once."""
OVERLAP: Final = 3
"""Rows that neighbouring pages share: more than one, as any of them may have no usable id."""
CRAWLS: Final = 3
"""How often a list that changes under our hands is read, at most."""
_NOT_WHOLE: Final = "WispHub Net's list could not be read whole"


class Crawl(Struct, Generic[R], frozen=True):
    """A list read whole.

    Attributes:
        rows: Its rows, each key once.
        set_aside: How many rows had no usable id.
        repeats: How many rows came more than once.
    """

    rows: list[R]
    set_aside: int
    repeats: int = 0


async def crawl(fetch: Fetch[R], key: Callable[[R], int]) -> Crawl[R]:
    """Read a list whole, its pages side by side.

    Args:
        fetch: Gives the page at (offset, limit); it alone bounds how many are under way.
        key: What tells rows apart.

    Raises:
        CrawlIncomplete: The list changed each time it was read, or is not whole.
        UpstreamError: A page could not be read.
    """
    problem = CrawlIncomplete(_NOT_WHOLE)
    last_keys: set[int] | None = None
    for _ in range(CRAWLS):
        try:
            found = await _crawl_once(fetch, key)
        except CrawlIncomplete as error:
            problem, last_keys = error, None
        else:
            keys = set(map(key, found.rows))
            if not found.repeats or keys == last_keys:
                return found
            problem = CrawlIncomplete(f"{_NOT_WHOLE}: {found.repeats} rows came twice")
            last_keys = keys
        logger.info("crawl thrown away: %s", problem)
    raise problem


async def _crawl_once(fetch: Fetch[R], key: Callable[[R], int]) -> Crawl[R]:
    first = await fetch(0, PAGE_LIMIT)
    size = len(first.rows)
    if first.count and not size:
        raise CrawlIncomplete(f"{_NOT_WHOLE}: its first page is empty")
    overlap = min(OVERLAP, size - 1) if size else 0
    offsets = range(size - overlap, first.count - overlap, max(size - overlap, 1))
    pages = await _side_by_side([fetch(offset, size) for offset in offsets])
    rows = _join(first, pages, overlap, key)
    if len(rows) != first.count or any(page.count != first.count for page in pages):
        raise CrawlIncomplete(f"{_NOT_WHOLE}: its length changed meanwhile")
    unique = {key(row): row for row in rows if row is not None}
    set_aside = rows.count(None)
    return Crawl(list(unique.values()), set_aside, len(rows) - set_aside - len(unique))


def _join(first: Page[R], pages: Sequence[Page[R]], overlap: int, key: Callable[[R], int]) -> list[R | None]:
    """Lay pages end to end, the first rows of each on the last of the one before."""
    rows = list(first.rows)
    for page in pages:
        seam = list(zip(rows[len(rows) - overlap :], page.rows, strict=False))
        if not _is_same_place(seam, key):
            raise CrawlIncomplete(f"{_NOT_WHOLE}: its rows shifted meanwhile")
        rows[len(rows) - len(seam) :] = [last if last is not None else row for last, row in seam]
        rows.extend(page.rows[overlap:])
    return rows


def _is_same_place(seam: Sequence[tuple[R | None, R | None]], key: Callable[[R], int]) -> bool:
    """Tell whether two readings of the rows that two pages share agree.

    Rows without an id tell nothing, so at least one must have one, or all of them must lack it twice.
    """
    known = [key(last) == key(row) for last, row in seam if last is not None and row is not None]
    return all(known) and (bool(known) or all(last is row for last, row in seam))


async def _side_by_side(calls: Sequence[Coroutine[Any, Any, Page[R]]]) -> list[Page[R]]:
    """Await all; the first failure stops the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
