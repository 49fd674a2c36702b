"""Which client has this document, this phone? The first one, where several have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import Self

from wisphub_api.clients.models import Client

Keys = Callable[[Client], list[str]]


class HolderIndex:
    """Finds the client of the lowest `service_id` that has a key; immutable.

    Args:
        keys: Gives the keys that a client has, blank ones left out.
        clients: All clients, by `service_id`.
    """

    def __init__(self, keys: Keys, clients: Sequence[Client]) -> None:
        self._keys = keys
        self._holders: dict[str, Client] = {}
        for client in clients:
            for key in keys(client):
                self._holders.setdefault(key, client)
        self._changed: dict[str, Client | None] = {}

    def get(self, key: str) -> Client | None:
        """Give the first client that has the key."""
        return self._changed[key] if key in self._changed else self._holders.get(key)

    def replaced(self, before: Client, after: Client, holding: Callable[[str], Iterable[Client]]) -> Self:
        """Give the index in which a client stands for another of its `service_id`.

        Args:
            before: The client as it was.
            after: The client as it is.
            holding: Gives the clients as they were, by `service_id`, who may have a key.
        """
        had, has = set(self._keys(before)), self._keys(after)
        changes: dict[str, Client | None] = {key: self._first(key, after) for key in has}
        for key in had.difference(has):
            holder = self.get(key)
            changes[key] = self._heir(before, holding(key), key) if holder is before else holder
        index = copy(self)
        index._changed = self._changed | changes  # noqa: SLF001  # a copy of its own
        return index

    def _first(self, key: str, client: Client) -> Client:
        holder = self.get(key)
        return client if holder is None or holder.service_id >= client.service_id else holder

    def _heir(self, last: Client, candidates: Iterable[Client], key: str) -> Client | None:
        others = (client for client in candidates if client is not last)
        return next((client for client in others if key in self._keys(client)), None)
