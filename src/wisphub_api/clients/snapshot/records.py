"""All clients as one JSON array in one piece of memory, from which answers are copied, not encoded."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct, structs

from wisphub_api.clients.models import Client

if TYPE_CHECKING:
    from wisphub_api.clients.snapshot.arrays import Positions

NO_PLAN: Final = -(2**63)
_MANY: Final = 256
"""Clients; copying fewer one by one is faster."""
_DECODER: Final = msgspec.json.Decoder(Client)


class ClientRow(Struct, frozen=True, gc=False):
    """A client as JSON, which takes a fraction of the object's memory, with the id of its plan."""

    service_id: int
    plan_id: int | None
    json: bytes

    @property
    def client(self) -> Client:
        """Return the client, decoded at each access."""
        return _DECODER.decode(self.json)


def row_of(client: Client, plan_id: int | None) -> ClientRow:
    """Return the row of a client."""
    return ClientRow(client.service_id, plan_id, msgspec.json.encode(client))


class Columns(Struct, frozen=True):
    """The columns of records, by `service_id`.

    Attributes:
        body: The clients as a JSON array, without blanks.
        lengths: The length of each in bytes.
        service_ids: Their ids.
        plan_ids: The ids of their plans; `NO_PLAN` for none.
    """

    body: bytes
    lengths: array[int]
    service_ids: array[int]
    plan_ids: array[int]


class Records:
    """Clients by `service_id`; immutable. Methods refer to a client by its position."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.body: Final = columns.body
        self._service_ids = columns.service_ids
        self._starts = starts_in(columns.lengths)

    def __len__(self) -> int:
        return len(self._service_ids)

    def are_of_the_same(self, others: Records) -> bool:
        """Return whether these are records of the same clients."""
        return self._service_ids == others._service_ids

    def position(self, service_id: int) -> int | None:
        """Return the position of a client; None if there is none."""
        at = bisect_left(self._service_ids, service_id)
        return at if at < len(self) and self._service_ids[at] == service_id else None

    def json(self, position: int) -> bytes:
        """Return a client as JSON."""
        return self.body[self._starts[position] : self._starts[position + 1] - 1]

    def stretch(self, positions: range) -> bytes:
        """Return adjacent clients, at least one, as JSON with commas between them."""
        return self.body[self._starts[positions.start] : self._starts[positions.stop] - 1]

    def jsons(self, positions: Iterable[int]) -> list[bytes]:
        """Return some clients as JSON."""
        body, starts = self.body, self._starts
        return [body[starts[at] : starts[at + 1] - 1] for at in positions]

    def as_array(self, positions: Positions) -> bytes:
        """Return some clients as a JSON array."""
        if len(positions) < _MANY:
            return b"[%b]" % b",".join(self.jsons(positions.tolist()))
        from wisphub_api.clients.snapshot.arrays import select_items  # noqa: PLC0415  # imports numpy

        return select_items(self.body, self._starts, positions)

    def client(self, position: int) -> Client:
        """Return a client."""
        return _DECODER.decode(self.json(position))

    def clients(self) -> Iterator[Client]:
        """Yield every client, decoded one by one."""
        return map(self.client, range(len(self)))

    def plan_id(self, position: int) -> int | None:
        """Return the id of a client's plan; None if it has none."""
        plan_id = self.columns.plan_ids[position]
        return None if plan_id == NO_PLAN else plan_id

    def replaced(self, clients: Mapping[int, Client]) -> Records:
        """Return the records with these clients at these positions."""
        lengths, parts, end = self.columns.lengths[:], [], 0
        for position in sorted(clients):
            json = msgspec.json.encode(clients[position])
            lengths[position] = len(json)
            parts += [self.body[end : self._starts[position]], json]
            end = self._starts[position + 1] - 1
        body = b"".join([*parts, self.body[end:]])
        return Records(structs.replace(self.columns, body=body, lengths=lengths))


def starts_in(lengths: array[int]) -> array[int]:
    """Return where each item of a JSON array begins, and where one more would; commas separate them."""
    return array("q", accumulate((length + 1 for length in lengths), initial=1))


NO_RECORDS: Final = Records(Columns(b"[]", array("I"), array("q"), array("q")))
