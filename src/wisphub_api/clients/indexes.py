"""What leads from documents, phones and texts to the clients that have them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from wisphub_api.clients.holders import HolderIndex, HolderIndexBuilder
from wisphub_api.clients.models import Client
from wisphub_api.clients.records import Records
from wisphub_api.clients.search import SearchIndex, SearchIndexBuilder
from wisphub_api.clients.text import document_key, phone_keys

STEP: Final = 32
"""Clients; the event loop may have to wait for as many."""
MOST_REVISED: Final = 64
"""Clients that an index keeps beside it; with more of them a new one is faster."""
Change = tuple[int, Client, Client]
"""Where a client stands, as it was, as it is."""


class Indexes(Struct, frozen=True):
    """The ways to a client but by its `service_id`."""

    documents: HolderIndex
    phones: HolderIndex
    search: SearchIndex

    def replaced(self, position: int, client: Client) -> Indexes:
        """Give the indexes in which this client stands at a position."""
        return Indexes(
            self.documents.replaced(position, client),
            self.phones.replaced(position, client),
            self.search.replaced(position, client),
        )

    def revised(self, changes: Iterable[Change]) -> Indexes | None:
        """Give the indexes in which clients have changed; None where that is no longer worth it."""
        indexes = self
        for position, before, after in changes:
            if indexes.search.changed > MOST_REVISED:
                return None
            if _indexed(before) != _indexed(after):
                indexes = indexes.replaced(position, after)
        return indexes if indexes.search.changed <= MOST_REVISED else None


def index(records: Records) -> Indexes:
    """Index all clients, in steps between which other threads get their turn."""
    documents, phones = HolderIndexBuilder(_documents), HolderIndexBuilder(_phones)
    search = SearchIndexBuilder()
    for position, client in enumerate(records.clients()):
        documents.add(client, position)
        phones.add(client, position)
        search.add(client)
        if position % STEP == 0:
            time.sleep(0)
    return Indexes(HolderIndex(documents), HolderIndex(phones), SearchIndex(search))


def _indexed(client: Client) -> tuple[str | None, ...]:
    return client.name, client.address, client.document, client.phone


def _documents(client: Client) -> list[str]:
    key = document_key(client.document or "")
    return [key] if key else []


def _phones(client: Client) -> list[str]:
    return phone_keys(client.phone or "")
