"""The list of subscribers: its order, pages, exact filters and edits."""

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

import msgspec

from wisphub_sim.data.people import REFERENCE_ID, holder_of
from wisphub_sim.data.records import Record, client_record

EXACT_FILTERS = ("cedula", "telefono", "id_servicio")
PROFILE_FIELDS = ("nombre", "apellidos", "cedula", "direccion", "localidad", "ciudad", "telefono", "saldo")
_CACHED_ROWS = 65_536  # about 110 MB when full; the other rows of a larger list are encoded at every request
_MOST_DIGITS = 18


class Roster:
    """The ids of the services that exist, in list order.

    It consists of a short head, which insertions and deletions change, and an untouched range of any length.
    """

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
        """Return the ids at the front that insertions and deletions have changed."""
        return list(self._head)

    def insert(self, rows: int) -> None:
        """Insert new services at the front, so that the next page repeats rows of the one before."""
        for _ in range(rows):
            self._last += 1
            self._head.insert(0, self._last)

    def delete(self, rows: int) -> None:
        """Delete services from the front, so that the next page skips rows; the reference record stays."""
        for _ in range(min(rows, len(self) - 1)):
            while self._rest and self._head in ([], [REFERENCE_ID]):
                self._head.append(self._rest[0])
                self._rest = self._rest[1:]
            self._head.pop(1 if self._head[0] == REFERENCE_ID else 0)


class Directory:
    """Every service's record, made on demand.

    Args:
        seed: The seed of the records.
        size: How many services there are at the start.
    """

    def __init__(self, seed: int, size: int) -> None:
        self._seed = seed
        self._size = size
        self._encoded = lru_cache(_CACHED_ROWS)(self._encode)
        self.reset()

    def reset(self) -> None:
        """Undo every edit, insertion and deletion."""
        self._roster = Roster(self._size)
        self._edits: dict[int, dict[str, str]] = {}

    def __len__(self) -> int:
        return len(self._roster)

    def __contains__(self, service_id: int) -> bool:
        return service_id in self._roster

    def record(self, service_id: int) -> Record:
        """Return a service's record with its edits."""
        record = client_record(self._seed, service_id)
        edits = self._edits.get(service_id)
        if edits is None:
            return record
        record.update({field: value for field, value in edits.items() if field != "apellidos"})
        if "nombre" in edits or "apellidos" in edits:
            profile = self.profile(service_id)
            record["nombre"] = f"{profile['nombre']} {profile['apellidos']}".strip()
        return record

    def rows(self, offset: int, limit: int) -> list[bytes]:
        """Return the JSON rows of one page of the whole list."""
        return [self._row(service_id) for service_id in self._roster.page(offset, limit)]

    def matching(self, filters: Mapping[str, str]) -> list[bytes]:
        """Return the JSON rows whose values equal every filter's.

        The first call on a document or phone reads every record: seconds for hundreds of thousands.
        """
        return [
            self._row(service_id)
            for service_id in sorted(self._candidates(filters))
            if service_id in self._roster and self._matches(self.record(service_id), filters)
        ]

    def profile(self, service_id: int) -> dict[str, Any]:
        """Return the profile of a service."""
        holder = holder_of(self._seed, service_id)
        record = client_record(self._seed, service_id)
        profile = {field: record.get(field) for field in PROFILE_FIELDS}
        profile |= {"nombre": holder.first_names, "apellidos": holder.surnames}
        return profile | self._edits.get(service_id, {})

    def edit(self, service_id: int, fields: Mapping[str, str]) -> None:
        """Change profile fields, here and in the list."""
        self._edits.setdefault(service_id, {}).update(fields)

    def insert(self, rows: int) -> None:
        """Insert new services at the front of the list."""
        self._roster.insert(rows)

    def delete(self, rows: int) -> None:
        """Delete services from the front of the list."""
        self._roster.delete(rows)

    def _row(self, service_id: int) -> bytes:
        return self._encode(service_id) if service_id in self._edits else self._encoded(service_id)

    def _encode(self, service_id: int) -> bytes:
        return msgspec.json.encode(self.record(service_id))

    def _candidates(self, filters: Mapping[str, str]) -> set[int]:
        """Return the services that may match: also all edited and inserted ones, which the index lacks."""
        if "id_servicio" in filters:
            text = filters["id_servicio"]
            return {int(text)} if is_number(text) else set()
        found = {service_id for value in filters.values() for service_id in self._by_holder.get(value, ())}
        return found.union(self._edits, self._roster.head())

    @staticmethod
    def _matches(record: Record, filters: Mapping[str, str]) -> bool:
        return all(str(record.get(field)) == value for field, value in filters.items())

    @cached_property
    def _by_holder(self) -> dict[str, list[int]]:
        """Return the lookup index: service ids by their holder's document and phone."""
        index: dict[str, list[int]] = defaultdict(list)
        for service_id in range(1, max(self._size, REFERENCE_ID) + 1):
            holder = holder_of(self._seed, service_id)
            index[holder.document].append(service_id)
            index[str(holder.phone)].append(service_id)
        return dict(index)


def exact_filters(query: Mapping[str, str]) -> dict[str, str]:
    """Return the filters that exist and are not empty; the upstream ignores all others."""
    return {field: query[field] for field in EXACT_FILTERS if query.get(field)}


def is_number(text: str) -> bool:
    """Return whether the text is a whole number that a request may contain."""
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
