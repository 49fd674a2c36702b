"""A lookup index: which client has this document or phone? The first one, if several have it."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from typing import Self

import numpy as np

from wisphub_api.clients.models import Client

Keys = Callable[[Client], list[str]]


class LookupIndexBuilder:
    """Collects clients in their order.

    Args:
        keys: Returns the keys of a client, without blank ones.
    """

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.hashes = array("q")
        self.positions = array("i")

    def add(self, client: Client, position: int) -> None:
        """Add the client at a position."""
        for key in self.keys(client):
            self.hashes.append(hash(key))
            self.positions.append(position)


class LookupIndex:
    """An immutable index from a key to the clients that have it.

    It keeps only hashes of the keys, which take less memory; the keys of each client found are compared.

    Args:
        builder: Has all clients.
    """

    def __init__(self, builder: LookupIndexBuilder) -> None:
        hashes = np.frombuffer(builder.hashes, np.int64)
        order = np.argsort(hashes, kind="stable")
        self._keys = builder.keys
        self._hashes = hashes.take(order).data
        self._positions = np.frombuffer(builder.positions, np.int32).take(order).data
        self._changed: dict[str, tuple[int, ...]] = {}

    def replaced(self, position: int, client: Client) -> Self:
        """Return the index with this client added at a position."""
        index = copy(self)
        more = {key: (*self._changed.get(key, ()), position) for key in self._keys(client)}
        index._changed = self._changed | more  # noqa: SLF001  # the copy
        return index

    def first(self, key: str, client_at: Callable[[int], Client]) -> Client | None:
        """Return the first client that has the key; `client_at` returns the client at a position."""
        clients = map(client_at, self._candidates(key))
        return next((client for client in clients if key in self._keys(client)), None)

    def _candidates(self, key: str) -> Iterable[int]:
        changed = self._changed.get(key)
        return sorted({*self._indexed(key), *changed}) if changed else self._indexed(key)

    def _indexed(self, key: str) -> Iterator[int]:
        sought = hash(key)
        low = bisect_left(self._hashes, sought)
        yield from self._positions[low : bisect_right(self._hashes, sought, lo=low)]
