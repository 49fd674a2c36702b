"""All clients as one JSON array in one piece of memory: answers are copied out of it, not encoded anew."""

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
"""Clients; fewer are sooner copied one by one."""
_DECODER: Final = msgspec.json.Decoder(Client)


class ClientRow(Struct, frozen=True, gc=False):
    """A client as JSON, which takes a fraction of its memory, with the number of its plan."""

    service_id: int
    plan_id: int | None
    json: bytes

    @property
    def client(self) -> Client:
        """The client itself, made anew each time."""
        return _DECODER.decode(self.json)


def row_of(client: Client, plan_id: int | None) -> ClientRow:
    """Return the row of a client."""
    return ClientRow(client.service_id, plan_id, msgspec.json.encode(client))


class Columns(Struct, frozen=True):
    """What records are made of, by `service_id`.

    Attributes:
        body: The clients as a JSON array, without blanks.
        lengths: How many bytes each takes there.
        service_ids: Their ids.
        plan_ids: Their plans' numbers; `NO_PLAN` for none.
    """

    body: bytes
    lengths: array[int]
    service_ids: array[int]
    plan_ids: array[int]


class Records:
    """Clients by `service_id`; immutable. A client is named by its position among them."""

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
        """Return where a client stands; None where there is none."""
        at = bisect_left(self._service_ids, service_id)
        return at if at < len(self) and self._service_ids[at] == service_id else None

    def json(self, position: int) -> bytes:
        """Return a client as JSON."""
        return self.body[self._starts[position] : self._starts[position + 1] - 1]

    def stretch(self, positions: range) -> bytes:
        """Return clients that stand side by side as JSON, between commas; at least one."""
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
        """Return every client, decoded when it is its turn."""
        return map(self.client, range(len(self)))

    def plan_id(self, position: int) -> int | None:
        """Return the number of a client's plan; None where it has none."""
        plan_id = self.columns.plan_ids[position]
        return None if plan_id == NO_PLAN else plan_id

    def replaced(self, clients: Mapping[int, Client]) -> Records:
        """Return the records in which these clients stand at these positions."""
        lengths, parts, end = self.columns.lengths[:], [], 0
        for position in sorted(clients):
            json = msgspec.json.encode(clients[position])
            lengths[position] = len(json)
            parts += [self.body[end : self._starts[position]], json]
            end = self._starts[position + 1] - 1
        body = b"".join([*parts, self.body[end:]])
        return Records(structs.replace(self.columns, body=body, lengths=lengths))


def starts_in(lengths: array[int]) -> array[int]:
    """Return where each item of a JSON array begins, and where one more would: a comma stands between two."""
    return array("q", accumulate((length + 1 for length in lengths), initial=1))


NOBODY: Final = Records(Columns(b"[]", array("I"), array("q"), array("q")))
