"""Which client has this document, this phone? The first one, where several have it."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from typing import Self

import numpy as np

from wisphub_api.clients.models import Client

Keys = Callable[[Client], list[str]]


class HolderIndexBuilder:
    """Takes clients in their order.

    Args:
        keys: Gives the keys that a client has, blank ones left out.
    """

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.hashes = array("q")
        self.positions = array("i")

    def add(self, client: Client, position: int) -> None:
        """Take one more client."""
        for key in self.keys(client):
            self.hashes.append(hash(key))
            self.positions.append(position)


class HolderIndex:
    """Finds the clients that have a key; immutable.

    Keys are kept as their hashes alone: who is found has to be asked for the key.

    Args:
        builder: Was given all clients.
    """

    def __init__(self, builder: HolderIndexBuilder) -> None:
        hashes = np.frombuffer(builder.hashes, np.int64)
        order = np.argsort(hashes, kind="stable")
        self._keys = builder.keys
        self._hashes = hashes.take(order).data
        self._positions = np.frombuffer(builder.positions, np.int32).take(order).data
        self._changed: dict[str, tuple[int, ...]] = {}

    def replaced(self, position: int, client: Client) -> Self:
        """Give the index in which this client stands at a position as well."""
        index = copy(self)
        more = {key: (*self._changed.get(key, ()), position) for key in self._keys(client)}
        index._changed = self._changed | more  # noqa: SLF001  # a copy of its own
        return index

    def first(self, key: str, client_at: Callable[[int], Client]) -> Client | None:
        """Give the first client that has the key, of those that `client_at` gives by their positions."""
        clients = map(client_at, self._candidates(key))
        return next((client for client in clients if key in self._keys(client)), None)

    def _candidates(self, key: str) -> Iterable[int]:
        changed = self._changed.get(key)
        return sorted({*self._indexed(key), *changed}) if changed else self._indexed(key)

    def _indexed(self, key: str) -> Iterator[int]:
        sought = hash(key)
        low = bisect_left(self._hashes, sought)
        yield from self._positions[low : bisect_right(self._hashes, sought, lo=low)]
