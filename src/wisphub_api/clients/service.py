"""List, search and lookups of clients, all from the snapshot in memory."""

from __future__ import annotations

import asyncio
from typing import Final

from wisphub_api.cache.answers import Answers, Question
from wisphub_api.cache.cached import Cached
from wisphub_api.cache.representation import Representation, represent
from wisphub_api.cache.slot import Reading
from wisphub_api.cache.wish import ANY, Wish
from wisphub_api.clients.models import Client
from wisphub_api.clients.snapshot.builder import SnapshotBuilder
from wisphub_api.clients.snapshot.directory import Directory, prepare
from wisphub_api.clients.snapshot.records import NO_RECORDS
from wisphub_api.clients.text import fold
from wisphub_api.clients.upstream import read_clients
from wisphub_api.exceptions import CrawlIncomplete, InvalidRequest, NotFound
from wisphub_api.upstream.client import WispHubNet

QUERY_MIN_CHARS: Final = 2
QUERY_MAX_CHARS: Final = 200
SEARCH: Final = "clients/search"
"""The name of the question."""


async def load_directory(net: WispHubNet, previous: Directory | None) -> Directory:
    """Load all clients and build their directory off the event loop; without changes return the same one.

    Raises:
        CrawlIncomplete: The list is suddenly empty, which is a fault rather than the truth.
    """
    crawl = read_clients(net, previous.known if previous else NO_RECORDS)
    clients, _ = await asyncio.gather(crawl, asyncio.to_thread(prepare))
    if previous and not len(clients):
        raise CrawlIncomplete("WispHub Net's list of clients is empty all of a sudden")
    return await asyncio.to_thread(_build, clients, previous)


def _build(clients: SnapshotBuilder, previous: Directory | None) -> Directory:
    records = clients.build()
    return previous.refreshed(records) if previous else Directory(records)


class ClientService:
    """List, search and lookups of clients.

    Every method raises `CacheUnavailable` if there is no snapshot, and `NotFreshEnough` if it is not as fresh
    as required.

    Args:
        directory: The clients.
        answers: Keeps the results of broad searches.
    """

    def __init__(self, directory: Cached[Directory], answers: Answers) -> None:
        self._directory = directory
        self._answers = answers
        self._broad = asyncio.Lock()

    async def page(self, limit: int | None, offset: int, wish: Wish = ANY) -> Reading[Representation]:
        """Return clients by `service_id`."""
        reading = await self._directory.read(wish)
        if limit is None and not offset and not reading.value.has_list:
            await asyncio.to_thread(reading.value.page, limit, offset)
        return reading.map(lambda directory: directory.page(limit, offset))

    async def search(
        self, query: str, limit: int | None, offset: int, wish: Wish = ANY
    ) -> Reading[Representation]:
        """Return the clients with a field that contains the query.

        Raises:
            InvalidRequest: The query has fewer than 2 characters.
        """
        if not is_searchable(query):
            raise InvalidRequest(f"`q` needs at least {QUERY_MIN_CHARS} characters.", field="q")
        reading = await self._directory.read(wish)
        asked = Question(SEARCH, query, limit, offset)
        answer = self._answers.get(asked, reading.version) or reading.value.search_few(query, limit, offset)
        if answer is None:
            answer = await self._search_broadly(reading, asked)
        return reading.map(lambda _: answer)

    async def _search_broadly(self, reading: Reading[Directory], asked: Question) -> Representation:
        """Search in a thread, one at a time: each may need as much memory as the whole list."""
        async with self._broad:
            answer = self._answers.get(asked, reading.version)
            if answer is None:
                answer = await asyncio.to_thread(reading.value.search, asked.text, asked.limit, asked.offset)
                self._answers.put(asked, reading.version, answer)
        return answer

    async def by_service_id(self, service_id: int, wish: Wish = ANY) -> Reading[Representation]:
        """Return one client.

        Raises:
            NotFound: There is none.
        """
        reading = await self._directory.read(wish)
        return _found(reading.map(lambda directory: directory.by_service_id(service_id)))

    async def by_document(self, document: str, wish: Wish = ANY) -> Reading[Representation]:
        """Return the client with this identity document.

        Raises:
            NotFound: There is none.
        """
        reading = await self._directory.read(wish)
        return _found(reading.map(lambda directory: directory.by_document(document)))

    async def by_phone(self, phone: str, wish: Wish = ANY) -> Reading[Representation]:
        """Return the client with this phone number.

        Raises:
            NotFound: There is none.
        """
        reading = await self._directory.read(wish)
        return _found(reading.map(lambda directory: directory.by_phone(phone)))


def _found(reading: Reading[Client | None]) -> Reading[Representation]:
    if reading.value is None:
        raise NotFound("No client matches.", age_s=reading.age_s)
    return reading.map(represent)


def page_in_memory(directory: Directory, asked: Question) -> Representation | None:
    """Return a page; None if the whole list has to be built first, off the event loop."""
    if asked.limit is None and not asked.offset and not directory.has_list:
        return None
    return directory.page(asked.limit, asked.offset)


def is_searchable(query: str) -> bool:
    """Return whether a text is neither too short nor too long, as it is given and as it is compared."""
    return QUERY_MIN_CHARS <= len(query) <= QUERY_MAX_CHARS and len(fold(query)) >= QUERY_MIN_CHARS


def search_in_memory(directory: Directory, asked: Question) -> Representation | None:
    """Return the result of a search; None if it would take too long, or has to be refused."""
    if not is_searchable(asked.text):
        return None
    return directory.search_few(asked.text, asked.limit, asked.offset)
