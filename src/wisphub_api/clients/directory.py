"""An immutable snapshot of all clients: lookups and search, from memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from functools import cached_property
from operator import attrgetter
from typing import Final

from wisphub_api.cache.representation import Representation, page_of, represent
from wisphub_api.clients.holders import HolderIndex
from wisphub_api.clients.models import Client
from wisphub_api.clients.search import SearchIndex
from wisphub_api.clients.text import document_key, fold_place, phone_key, phone_keys
from wisphub_api.upstream.wire import ClientRow

_SERVICE_ID: Final = attrgetter("service_id")


class Directory:
    """All clients at one moment, by `service_id`.

    Building one folds every text and takes about 8 µs a client: do it off the event loop.
    Where several clients share a document or a phone, the lookup gives the one of the lowest `service_id`.

    Args:
        rows: The clients, in any order, each id once.
    """

    def __init__(self, rows: Iterable[ClientRow]) -> None:
        ordered = sorted(rows, key=lambda row: row.client.service_id)
        self._clients = tuple(row.client for row in ordered)
        self._plans = {row.client.service_id: row.plan_id for row in ordered if row.plan_id is not None}
        self._by_service_id = {client.service_id: client for client in self._clients}
        self._by_document = HolderIndex(_documents, self._clients)
        self._by_phone = HolderIndex(_phones, self._clients)
        self._search = SearchIndex(self._clients)
        self._changed: dict[int, Client] = {}
        self.page(None, 0)  # the whole list is encoded now, so that no reader waits for it

    def __len__(self) -> int:
        return len(self._clients)

    @cached_property
    def representation(self) -> Representation:
        """All clients as JSON, encoded once per snapshot; after `replaced`, when first asked for."""
        return represent(self._slice(None, 0), total=len(self))

    def replaced(self, client: Client) -> Directory:
        """Give the snapshot in which this client stands for the one of its `service_id`.

        It shares all tables with this one and keeps beside them what differs, so the number of clients does
        not count. Without a client of this id it is this snapshot.
        """
        before = self.by_service_id(client.service_id)
        if before is None:
            return self
        at = bisect_left(self._clients, client.service_id, key=_SERVICE_ID)
        changed = copy(self)
        vars(changed).pop("representation", None)
        changed._changed = self._changed | {client.service_id: client}  # noqa: SLF001  # a copy of its own
        changed._by_document = self._by_document.replaced(before, client, self._holding)  # noqa: SLF001
        changed._by_phone = self._by_phone.replaced(before, client, self._holding)  # noqa: SLF001
        changed._search = self._search.replaced(at, client)  # noqa: SLF001
        return changed

    def page(self, limit: int | None, offset: int) -> Representation:
        """Give the clients as JSON; the whole list is made once per snapshot."""
        if limit is None and offset == 0:
            return self.representation
        return represent(self._slice(limit, offset), total=len(self))

    def search(self, query: str, limit: int | None, offset: int) -> Representation:
        """Give the clients of whom a field contains `query`, the closest first, as JSON."""
        hits = self._search.search(query)
        found = [self._at(position) for position in page_of(hits, limit, offset)]
        return represent(found, total=len(hits))

    def by_service_id(self, service_id: int) -> Client | None:
        """Look a client up by WispHub Net's number of the service."""
        return self._changed.get(service_id) or self._by_service_id.get(service_id)

    def by_document(self, document: str) -> Client | None:
        """Look a client up by identity document; letters and digits count."""
        return self._by_document.get(document_key(document))

    def by_phone(self, phone: str) -> Client | None:
        """Look a client up by phone; digits count, with or without +57."""
        return self._by_phone.get(phone_key(phone))

    def plan_id(self, client: Client) -> int | None:
        """Tell which internet plan a client has."""
        return self._plans.get(client.service_id)

    def candidates(self, name: str | None, address: str | None) -> Iterator[Client]:
        """Give every client whose name or address may contain the given text, each once."""
        needles = [fold_place(text) for text in (name, address) if text]
        positions = {position for text in needles if text for position in self._search.containing(text)}
        return (self._at(position) for position in sorted(positions))

    def _at(self, position: int) -> Client:
        client = self._clients[position]
        return self._changed.get(client.service_id, client)

    def _slice(self, limit: int | None, offset: int) -> Sequence[Client]:
        if not self._changed:
            return page_of(self._clients, limit, offset)
        return [self._at(position) for position in page_of(range(len(self)), limit, offset)]

    def _holding(self, key: str) -> Iterator[Client]:
        """Give every client of whom a field holds a document's or a phone's key, by `service_id`."""
        return (self._at(position) for position in sorted(self._search.containing(key)))


def _documents(client: Client) -> list[str]:
    key = document_key(client.document or "")
    return [key] if key else []


def _phones(client: Client) -> list[str]:
    return phone_keys(client.phone or "")
