"""Reading a paged list whole, although it changes while it is read.

Pages are asked for by our own offsets and overlap by a few rows. Where two neighbours do not agree on
the rows they share, where the total changes, or where a row comes twice, rows have moved between two
requests: what was read is thrown away and the crawl begins anew. Where two crawls on end give the same
rows, those that come twice are the upstream's own, and are kept once.
"""

from __future__ import annotations

import asyncio
import logging
from array import array
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, Generic, Protocol, TypeVar

from msgspec import Struct

from wisphub_api.exceptions import CrawlIncomplete
from wisphub_api.upstream.wire import Page

R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)
S = TypeVar("S", bound="Sink[Any]")
Fetch = Callable[[int, int], Coroutine[Any, Any, Page[R]]]
logger = logging.getLogger(__name__)

PAGE_LIMIT: Final = 300
"""The most rows that WispHub Net returns at once."""
OVERLAP: Final = 3
"""Rows that neighbouring pages share: more than one, as any of them may have no usable id."""
CRAWLS: Final = 3
"""How often a list that changes under our hands is read, at most."""
AHEAD: Final = 12
"""Pages that are asked for, or held, before the one that is next has come: each takes half a MB."""
_NOT_WHOLE: Final = "WispHub Net's list could not be read whole"


class Sink(Protocol[R_contra]):
    """Takes rows as they come."""

    def extend(self, rows: Iterable[R_contra], /) -> None:
        """Add more rows."""
        ...


class Tally(Struct, frozen=True):
    """What else can be said of a list that was read whole.

    Attributes:
        set_aside: How many rows had no usable id.
        repeats: How many rows came more than once.
    """

    set_aside: int
    repeats: int


async def crawl(sink: Callable[[], S], fetch: Fetch[R], key: Callable[[R], int]) -> tuple[S, Tally]:
    """Read a list whole, its pages side by side; no more than a few are held at once.

    Args:
        sink: Makes what takes the rows, in their order; anew for each crawl. The last one is returned.
        fetch: Returns the page at (offset, limit); it alone bounds how many are under way.
        key: Returns what distinguishes rows.

    Raises:
        CrawlIncomplete: The list changed each time it was read, or is not whole.
        UpstreamError: A page could not be read.
    """
    problem = CrawlIncomplete(_NOT_WHOLE)
    last_keys: set[int] | None = None
    for _ in range(CRAWLS):
        rows = sink()
        try:
            read = await _crawl_once(rows, fetch, key)
        except CrawlIncomplete as error:
            problem, last_keys = error, None
        else:
            keys, tally = read.tally()
            if not tally.repeats or keys == last_keys:
                return rows, tally
            problem = CrawlIncomplete(f"{_NOT_WHOLE}: {tally.repeats} rows came twice")
            last_keys = keys
        logger.info("crawl thrown away: %s", problem)
    raise problem


async def _crawl_once(sink: Sink[R], fetch: Fetch[R], key: Callable[[R], int]) -> _Pages[R]:
    first = await fetch(0, PAGE_LIMIT)
    size = len(first.rows)
    if first.count and not size:
        raise CrawlIncomplete(f"{_NOT_WHOLE}: its first page is empty")
    overlap = min(OVERLAP, size - 1) if size else 0
    offsets = range(size - overlap, first.count - overlap, max(size - overlap, 1))
    pages = _Pages(first, overlap, sink, key)
    await _side_by_side((fetch(offset, size) for offset in offsets), pages.add)
    pages.end()
    return pages


class _Pages(Generic[R]):
    """Pages laid end to end, the first rows of each on the last of the one before.

    Args:
        first: The first page.
        overlap: How many rows neighbours share.
        sink: Takes the rows that have an id.
        key: Returns what distinguishes rows.
    """

    def __init__(self, first: Page[R], overlap: int, sink: Sink[R], key: Callable[[R], int]) -> None:
        self._keys = array("q")
        self._is_ascending = True
        self._count = first.count
        self._overlap = overlap
        self._sink = sink
        self._key = key
        self._rows = 0
        self._held_back: Sequence[R | None] = ()
        self._pass_on(first.rows)

    def add(self, page: Page[R]) -> None:
        """Lay on one more page.

        Raises:
            CrawlIncomplete: It does not fit.
        """
        if page.count != self._count:
            raise CrawlIncomplete(f"{_NOT_WHOLE}: its length changed meanwhile")
        seam = list(zip(self._held_back, page.rows, strict=False))
        if not _is_same_place(seam, self._key):
            raise CrawlIncomplete(f"{_NOT_WHOLE}: its rows shifted meanwhile")
        shared = (last if last is not None else row for last, row in seam)
        self._pass_on((*shared, *page.rows[self._overlap :]))

    def end(self) -> None:
        """Pass on what was held back.

        Raises:
            CrawlIncomplete: There are more or fewer rows than the list is said to have.
        """
        self._overlap = 0
        self._pass_on(self._held_back)
        if self._rows != self._count:
            raise CrawlIncomplete(f"{_NOT_WHOLE}: its length changed meanwhile")

    def tally(self) -> tuple[set[int], Tally]:
        """Return the keys, unless none can have come twice, and count what did and what was not kept."""
        known = len(self._keys)
        keys: set[int] = set() if self._is_ascending else set(self._keys)
        return keys, Tally(self._rows - known, 0 if self._is_ascending else known - len(keys))

    def _pass_on(self, rows: Sequence[R | None]) -> None:
        settled = max(0, len(rows) - self._overlap)
        self._held_back = rows[settled:]
        known = [row for row in rows[:settled] if row is not None]
        self._sink.extend(known)
        keys = list(map(self._key, known))
        self._is_ascending &= all(a < b for a, b in pairwise((*self._keys[-1:], *keys)))
        self._keys.extend(keys)
        self._rows += settled


def _is_same_place(seam: Sequence[tuple[R | None, R | None]], key: Callable[[R], int]) -> bool:
    """Return whether two readings of the rows that two pages share agree.

    Rows without an id say nothing, so at least one must have one, or all of them must lack it twice.
    """
    known = [key(last) == key(row) for last, row in seam if last is not None and row is not None]
    return all(known) and (bool(known) or all(last is row for last, row in seam))


async def _side_by_side(
    calls: Iterable[Coroutine[Any, Any, Page[R]]], take: Callable[[Page[R]], None]
) -> None:
    """Await all, and take each in order; the first failure stops the others and is raised as it is."""
    under_way: deque[asyncio.Task[Page[R]]] = deque()
    try:
        async with asyncio.TaskGroup() as group:
            for call in calls:
                under_way.append(group.create_task(call))
                if len(under_way) == AHEAD:
                    take(await under_way.popleft())
            while under_way:
                take(await under_way.popleft())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
