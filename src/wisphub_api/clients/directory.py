"""An immutable snapshot of all clients: lookups and search, from memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from wisphub_api.cache.representation import Representation, represent
from wisphub_api.clients.models import Client
from wisphub_api.clients.search import SearchIndex
from wisphub_api.clients.text import document_key, fold_place, phone_key, phone_keys
from wisphub_api.upstream.wire import ClientRow

K = TypeVar("K")


class Directory:
    """All clients at one moment, by `service_id`.

    Building one folds every text and takes about 8 µs a client: do it off the event loop.
    Where several clients share a document or a phone, the lookup gives the one of the lowest `service_id`.

    Args:
        rows: The clients, in any order, each id once.
    """

    def __init__(self, rows: Iterable[ClientRow]) -> None:
        ordered = sorted(rows, key=lambda row: row.client.service_id)
        self.clients = tuple(row.client for row in ordered)
        self._plans = {row.client.service_id: row.plan_id for row in ordered if row.plan_id is not None}
        self._by_service_id = {client.service_id: client for client in self.clients}
        self._by_document = _index(self.clients, lambda client: [document_key(client.document or "")])
        self._by_phone = _index(self.clients, lambda client: phone_keys(client.phone or ""))
        self._search = SearchIndex(self.clients)
        self.representation = represent(self.clients, total=len(self.clients))

    def __len__(self) -> int:
        return len(self.clients)

    def page(self, limit: int | None, offset: int) -> Representation:
        """Give the clients as JSON; the whole list is made once per snapshot."""
        if limit is None and offset == 0:
            return self.representation
        return represent(_slice(self.clients, limit, offset), total=len(self.clients))

    def search(self, query: str, limit: int | None, offset: int) -> Representation:
        """Give the clients of whom a field contains `query`, the closest first, as JSON."""
        hits = self._search.search(query)
        found = [self.clients[position] for position in _slice(hits, limit, offset)]
        return represent(found, total=len(hits))

    def by_service_id(self, service_id: int) -> Client | None:
        """Look a client up by WispHub Net's number of the service."""
        return self._by_service_id.get(service_id)

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
        return (self.clients[position] for position in sorted(positions))


def _index(clients: Sequence[Client], keys: Callable[[Client], list[str]]) -> dict[str, Client]:
    """Map each key to the first client that has it."""
    index: dict[str, Client] = {}
    for client in clients:
        for key in keys(client):
            if key:
                index.setdefault(key, client)
    return index


def _slice(items: Sequence[K], limit: int | None, offset: int) -> Sequence[K]:
    return items[offset : None if limit is None else offset + limit]
