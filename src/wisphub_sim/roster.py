"""Which services exist, and in what order the list shows them."""

from wisphub_sim.data.people import REFERENCE_ID


class Roster:
    """Service ids in list order: a short changed head, then an untouched range of any length."""

    def __init__(self, size: int) -> None:
        self._last = max(size, REFERENCE_ID)
        if size < REFERENCE_ID:
            self._head, self._rest = [*range(1, size), REFERENCE_ID], range(0)
        else:
            self._head, self._rest = [], range(1, size + 1)

    def __len__(self) -> int:
        return len(self._head) + len(self._rest)

    def __contains__(self, service_id: int) -> bool:
        return service_id in self._rest or service_id in self._head

    def page(self, offset: int, limit: int) -> list[int]:
        """Return the ids of one page."""
        head = self._head[offset : offset + limit]
        start = max(0, offset - len(self._head))
        return [*head, *self._rest[start : start + limit - len(head)]]

    def head(self) -> list[int]:
        """Return the ids at the front that are no longer where they began."""
        return list(self._head)

    def insert(self, rows: int) -> None:
        """Put new services at the front: a page already read comes again in part."""
        for _ in range(rows):
            self._last += 1
            self._head.insert(0, self._last)

    def delete(self, rows: int) -> None:
        """Take services off the front, never the reference record: rows not yet read are skipped."""
        for _ in range(min(rows, len(self) - 1)):
            while self._rest and self._head in ([], [REFERENCE_ID]):
                self._head.append(self._rest[0])
                self._rest = self._rest[1:]
            self._head.pop(1 if self._head[0] == REFERENCE_ID else 0)
