"""Builds the records of all clients as they come, page by page.

What is known from the snapshot before is not kept twice: while a list is read anew, memory holds it once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from io import SEEK_END, BytesIO
from itertools import pairwise
from typing import Final

from wisphub_api.clients.snapshot.records import NO_PLAN, NOBODY, ClientRow, Columns, Records, starts_in

_NEW: Final = -1


class _Body:
    """A JSON array that grows in one piece of memory.

    Attributes:
        lengths: How many bytes each item takes.
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
        """How many bytes it has by now."""
        return self._json.tell()

    def starts(self) -> array[int]:
        """Return where each item begins, and where one more would."""
        return starts_in(self.lengths)

    def between(self, begin: int, end: int) -> bytes:
        """Return what stands there."""
        self._json.seek(begin)
        return self._json.read(end - begin)

    def whole(self) -> bytes:
        """Return it with its closing bracket."""
        self._json.seek(-1 if self.lengths else 0, SEEK_END)
        self._json.write(b"]")
        return self._json.getvalue()


class SnapshotBuilder:
    """Takes clients in any order; of those of one `service_id` it keeps the last.

    Args:
        known: The clients as they were before. Of one that is the same only its place there is kept.
    """

    def __init__(self, known: Records = NOBODY) -> None:
        self._known = known
        self._new = _Body()
        self._sources = array("i")  # where it stands in what is known
        self._service_ids = array("q")
        self._plan_ids = array("q")

    def __len__(self) -> int:
        return len(self._service_ids)

    @property
    def new_bytes(self) -> int:
        """How much memory is taken by what is new."""
        return self._new.size

    def extend(self, rows: Iterable[ClientRow]) -> None:
        """Add more clients; a stretch that is known as it is, at once."""
        added = list(rows)
        self._sources.extend(self._known_stretch(added) or map(self._source, added))
        self._service_ids.extend([row.service_id for row in added])
        self._plan_ids.extend([NO_PLAN if row.plan_id is None else row.plan_id for row in added])

    def build(self) -> Records:
        """Return all clients by `service_id`, those that are known where nothing is new; may be called once.

        Takes a while: call it off the event loop.
        """
        order = self._order()
        if self._is_known():
            return self._known
        is_all_new_in_order = isinstance(order, range) and len(self._new.lengths) == len(self)
        body = self._new if is_all_new_in_order else self._arranged(order)
        service_ids = array("q", (self._service_ids[row] for row in order))
        plan_ids = array("q", (self._plan_ids[row] for row in order))
        self._new = _Body()  # its memory is needed for what comes next
        return Records(Columns(body.whole(), body.lengths, service_ids, plan_ids))

    def _known_stretch(self, rows: Sequence[ClientRow]) -> range | None:
        """Return where these clients stand in what is known; None where they are not there as they are."""
        first = self._known.position(rows[0].service_id) if rows else None
        if first is None or first + len(rows) > len(self._known):
            return None
        stretch = range(first, first + len(rows))
        return stretch if self._known.stretch(stretch) == b",".join([row.json for row in rows]) else None

    def _source(self, row: ClientRow) -> int:
        """Return where a client stands in what is known, or, below 0, in what is new."""
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
