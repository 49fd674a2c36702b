"""An immutable snapshot of all clients: lookups and search, from memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec

from wisphub_api.cache.representation import Representation, page_of, tagged
from wisphub_api.clients.models import Client
from wisphub_api.clients.snapshot.builder import SnapshotBuilder
from wisphub_api.clients.snapshot.records import ClientRow, Records, row_of
from wisphub_api.clients.text import document_key, fold_place, phone_key

if TYPE_CHECKING:
    from wisphub_api.clients.search_index.index import Indexes
    from wisphub_api.clients.snapshot.arrays import Positions

_MANY: Final = 4_000
"""Hits; finding and writing this many takes some milliseconds."""


class Directory:
    """All clients at one moment, by `service_id`.

    They are kept as JSON, and decoded on access. Building a directory takes about 15 µs a client: do it off
    the event loop. If several clients share a document or a phone, a lookup returns the one with the lowest
    `service_id`.

    Args:
        rows: The clients, in any order, each id once.
        indexes: Their indexes, if they exist already.
    """

    def __init__(self, rows: Iterable[ClientRow] | Records, indexes: Indexes | None = None) -> None:
        self._records = rows if isinstance(rows, Records) else _records_of(rows)
        self._indexes = indexes or _indexes_of(self._records)
        self._changed: dict[int, Client] = {}
        self.page(None, 0)  # tag the whole list now, so that no reader waits for it

    def __len__(self) -> int:
        return len(self._records)

    @cached_property
    def representation(self) -> Representation:
        """Return all clients as JSON, tagged once per snapshot; after `replaced`, on first access."""
        return tagged(self.records().body, total=len(self), is_kept=True)

    @property
    def has_list(self) -> bool:
        """Return whether the whole list is ready; after `replaced` it takes a while."""
        return "representation" in vars(self)

    def replaced(self, client: Client) -> Directory:
        """Return the snapshot with this client in place of the one with its `service_id`.

        It shares all tables with this snapshot and keeps the difference beside them, so the cost does not
        depend on the number of clients. If no client has this id, it is this snapshot.
        """
        position = self._records.position(client.service_id)
        if position is None:
            return self
        changed = copy(self)
        vars(changed).pop("representation", None)
        changed._changed = self._changed | {position: client}  # noqa: SLF001  # the copy
        changed._indexes = self._indexes.replaced(position, client)  # noqa: SLF001
        return changed

    def records(self) -> Records:
        """Return the records of all clients, with the changed ones."""
        return self._records.replaced(self._changed) if self._changed else self._records

    def refreshed(self, records: Records) -> Directory:
        """Return the snapshot of these records, which shares unchanged parts with this one, or is this one.

        It takes a while: call it off the event loop.
        """
        if records is self._records and not self._changed:
            return self
        return Directory(records, self._revised_indexes(records))

    @property
    def known(self) -> Records:
        """Return the records as last read from WispHub Net."""
        return self._records

    def rows(self) -> list[ClientRow]:
        """Return the clients, each with the id of its plan."""
        return [row_of(self._at(at), self._records.plan_id(at)) for at in range(len(self))]

    def page(self, limit: int | None, offset: int) -> Representation:
        """Return clients as JSON; the whole list is built once per snapshot."""
        if limit is None and offset == 0:
            return self.representation
        positions = page_of(range(len(self)), limit, offset)
        if self._changed or not positions:
            return self._represent(map(self._json, positions), len(self))
        return self._represent([self._records.stretch(positions)], len(self))

    def search(self, query: str, limit: int | None, offset: int) -> Representation:
        """Return the clients with a field that contains `query`, the closest first, as JSON; thread-safe."""
        return self._answer(self._indexes.search.search(query), limit, offset)

    def search_few(self, query: str, limit: int | None, offset: int) -> Representation | None:
        """Return the result of `search`; None if it may have too many hits for the event loop."""
        index = self._indexes.search
        hits = index.search_few(query, _MANY) if len(self) > _MANY else index.search(query)
        return None if hits is None else self._answer(hits, limit, offset)

    def by_service_id(self, service_id: int) -> Client | None:
        """Return the client with WispHub Net's number of the service."""
        position = self._records.position(service_id)
        return None if position is None else self._at(position)

    def by_document(self, document: str) -> Client | None:
        """Return the client with an identity document; only letters and digits count."""
        return self._indexes.documents.first(document_key(document), self._at)

    def by_phone(self, phone: str) -> Client | None:
        """Return the client with a phone number; only digits count, with or without +57."""
        return self._indexes.phones.first(phone_key(phone), self._at)

    def plan_id(self, client: Client) -> int | None:
        """Return the id of a client's internet plan."""
        position = self._records.position(client.service_id)
        return None if position is None else self._records.plan_id(position)

    def candidates(self, name: str | None, address: str | None) -> Iterator[Client]:
        """Return every client whose name or address may contain the given text, each once."""
        needles = [fold_place(text) for text in (name, address) if text]
        positions = {at for text in needles if text for at in self._indexes.search.containing(text)}
        return map(self._at, sorted(positions))

    def _answer(self, hits: Positions, limit: int | None, offset: int) -> Representation:
        wanted = page_of(hits, limit, offset)
        if self._changed and not self._changed.keys().isdisjoint(wanted.tolist()):
            return self._represent(map(self._json, wanted.tolist()), len(hits))
        return tagged(self._records.as_array(wanted), total=len(hits))

    def _revised_indexes(self, records: Records) -> Indexes | None:
        """Return this snapshot's indexes, adapted to those records; None if new indexes are needed."""
        if not records.are_of_the_same(self._records):
            return None
        changed = (at for at in range(len(self)) if self._json(at) != records.json(at))
        return self._indexes.revised((at, self._at(at), records.client(at)) for at in changed)

    def _at(self, position: int) -> Client:
        client = self._changed.get(position)
        return self._records.client(position) if client is None else client

    def _json(self, position: int) -> bytes:
        client = self._changed.get(position)
        return self._records.json(position) if client is None else msgspec.json.encode(client)

    def _represent(self, json: Iterable[bytes], total: int) -> Representation:
        return tagged(b"[%b]" % b",".join(json), total=total)


def prepare() -> None:
    """Import the modules that build and search a directory, during the wait for the first pages."""
    import wisphub_api.clients.search_index.index  # noqa: PLC0415
    import wisphub_api.clients.snapshot.arrays  # noqa: F401, PLC0415


def _records_of(rows: Iterable[ClientRow]) -> Records:
    builder = SnapshotBuilder()
    builder.extend(rows)
    return builder.build()


def _indexes_of(records: Records) -> Indexes:
    from wisphub_api.clients.search_index.index import build_indexes  # noqa: PLC0415  # imports numpy

    return build_indexes(records.clients())
