"""The subscribers as the upstream holds them: paged, looked up, edited."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

import msgspec

from wisphub_sim.data.people import holder_of
from wisphub_sim.data.records import Record, client_record
from wisphub_sim.roster import Roster
from wisphub_sim.settings import LONGEST_NUMBER

EXACT_FILTERS = ("cedula", "telefono", "id_servicio")
PROFILE_FIELDS = ("nombre", "apellidos", "cedula", "direccion", "localidad", "ciudad", "telefono", "saldo")
_CACHED_ROWS = 65_536  # about 110 MB when full: rows of larger lists are made anew


class Directory:
    """Every service's record, made when it is asked for.

    Args:
        seed: The same seed gives the same records.
        size: How many services there are at the start.
    """

    def __init__(self, seed: int, size: int) -> None:
        self._seed = seed
        self._size = size
        self._encoded = lru_cache(_CACHED_ROWS)(self._encode)
        self.reset()

    def reset(self) -> None:
        """Forget every edit, insertion and deletion."""
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
        """Return what the profile of a service shows."""
        holder = holder_of(self._seed, service_id)
        record = client_record(self._seed, service_id)
        profile = {field: record.get(field) for field in PROFILE_FIELDS}
        profile |= {"nombre": holder.first_names, "apellidos": holder.surnames}
        return profile | self._edits.get(service_id, {})

    def edit(self, service_id: int, fields: Mapping[str, str]) -> None:
        """Change profile fields; the list shows them from now on."""
        self._edits.setdefault(service_id, {}).update(fields)

    def insert(self, rows: int) -> None:
        """Put new services at the front of the list."""
        self._roster.insert(rows)

    def delete(self, rows: int) -> None:
        """Take services off the front of the list."""
        self._roster.delete(rows)

    def _row(self, service_id: int) -> bytes:
        return self._encode(service_id) if service_id in self._edits else self._encoded(service_id)

    def _encode(self, service_id: int) -> bytes:
        return msgspec.json.encode(self.record(service_id))

    def _candidates(self, filters: Mapping[str, str]) -> set[int]:
        """Services that may match: the index knows neither edits nor those that came later."""
        if "id_servicio" in filters:
            text = filters["id_servicio"]
            is_number = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
            return {int(text)} if is_number else set()
        found = {service_id for value in filters.values() for service_id in self._by_holder.get(value, ())}
        return found.union(self._edits, self._roster.head())

    @staticmethod
    def _matches(record: Record, filters: Mapping[str, str]) -> bool:
        return all(str(record.get(field)) == value for field, value in filters.items())

    @cached_property
    def _by_holder(self) -> dict[str, list[int]]:
        """Service ids by their holder's document and phone."""
        index = defaultdict(list)
        for service_id, value in self._holders_values():
            index[value].append(service_id)
        return dict(index)

    def _holders_values(self) -> Iterator[tuple[int, str]]:
        for service_id in range(1, max(self._size, 7) + 1):
            holder = holder_of(self._seed, service_id)
            yield service_id, holder.document
            yield service_id, str(holder.phone)


def exact_filters(query: Mapping[str, str]) -> dict[str, str]:
    """Return the filters that exist and are not empty; the upstream ignores all others."""
    return {field: query[field] for field in EXACT_FILTERS if query.get(field)}
