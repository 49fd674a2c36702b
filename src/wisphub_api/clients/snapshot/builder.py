"""The builder of all clients' records, from pages as they arrive.

A client that is the same in the previous snapshot is not stored again, so memory has an unchanged list once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from io import SEEK_END, BytesIO
from itertools import pairwise
from typing import Final

from wisphub_api.clients.snapshot.records import NO_PLAN, NO_RECORDS, ClientRow, Columns, Records, starts_in

_NEW: Final = -1


class _Body:
    """A JSON array that grows in one piece of memory.

    Attributes:
        lengths: The length of each item in bytes.
    """

    def __init__(self) -> None:
        self.lengths = array("I")
        self._json = BytesIO()
        self._json.write(b"[")

    def add(self, item: bytes) -> None:
        """Add one more item at the end."""
        self.lengths.append(self._json.write(item))
        self._json.write(b",")

    @property
    def size(self) -> int:
        """Return how many bytes it has."""
        return self._json.tell()

    def starts(self) -> array[int]:
        """Return where each item begins, and where one more would begin."""
        return starts_in(self.lengths)

    def between(self, begin: int, end: int) -> bytes:
        """Return the bytes there."""
        self._json.seek(begin)
        return self._json.read(end - begin)

    def whole(self) -> bytes:
        """Return it with its closing bracket."""
        self._json.seek(-1 if self.lengths else 0, SEEK_END)
        self._json.write(b"]")
        return self._json.getvalue()


class SnapshotBuilder:
    """Collects clients in any order; the last one of each `service_id` counts.

    Args:
        known: The previous clients. Of one that is the same only its position there is kept.
    """

    def __init__(self, known: Records = NO_RECORDS) -> None:
        self._known = known
        self._new = _Body()
        self._sources = array("i")  # its position in `known`
        self._service_ids = array("q")
        self._plan_ids = array("q")

    def __len__(self) -> int:
        return len(self._service_ids)

    @property
    def new_bytes(self) -> int:
        """Return the bytes of the new and changed clients."""
        return self._new.size

    def extend(self, rows: Iterable[ClientRow]) -> None:
        """Add more clients; if they are a stretch of `known`, in one step."""
        added = list(rows)
        self._sources.extend(self._known_stretch(added) or map(self._source, added))
        self._service_ids.extend([row.service_id for row in added])
        self._plan_ids.extend([NO_PLAN if row.plan_id is None else row.plan_id for row in added])

    def build(self) -> Records:
        """Return all clients by `service_id`, or `known` if nothing is new; may be called once.

        It takes a while: call it off the event loop.
        """
        order = self._order()
        if self._is_known():
            return self._known
        is_all_new_in_order = isinstance(order, range) and len(self._new.lengths) == len(self)
        body = self._new if is_all_new_in_order else self._arranged(order)
        service_ids = array("q", (self._service_ids[row] for row in order))
        plan_ids = array("q", (self._plan_ids[row] for row in order))
        self._new = _Body()  # the next step needs its memory
        return Records(Columns(body.whole(), body.lengths, service_ids, plan_ids))

    def _known_stretch(self, rows: Sequence[ClientRow]) -> range | None:
        """Return the positions of these clients in `known`; None if they are not there unchanged."""
        first = self._known.position(rows[0].service_id) if rows else None
        if first is None or first + len(rows) > len(self._known):
            return None
        stretch = range(first, first + len(rows))
        return stretch if self._known.stretch(stretch) == b",".join([row.json for row in rows]) else None

    def _source(self, row: ClientRow) -> int:
        """Return the position of a client in `known`, or a negative one among the new ones."""
        known = self._known.position(row.service_id)
        if known is not None and self._known.json(known) == row.json:
            return known
        self._new.add(row.json)
        return _NEW - len(self._new.lengths) + 1

    def _arranged(self, order: Iterable[int]) -> _Body:
        starts = self._new.starts()
        body = _Body()
        for row in order:
            source = self._sources[row]
            if source > _NEW:
                body.add(self._known.json(source))
            else:
                new = _NEW - source
                body.add(self._new.between(starts[new], starts[new + 1] - 1))
        return body

    def _is_known(self) -> bool:
        known = self._known.columns
        return (
            self._service_ids == known.service_ids
            and self._plan_ids == known.plan_ids
            and not self._new.lengths
        )

    def _order(self) -> Iterable[int]:
        if all(before < after for before, after in pairwise(self._service_ids)):
            return range(len(self))
        from wisphub_api.clients.snapshot.arrays import newest_by_key  # noqa: PLC0415  # imports numpy

        return newest_by_key(self._service_ids)
