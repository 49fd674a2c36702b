"""Diagnostics that are remembered, so many and so long."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from wisphub_api.network.diagnostic import Diagnostic, PingPolicy

K = TypeVar("K", bound=Hashable)


class Memory(Generic[K]):
    """Diagnostics by a key; the oldest are forgotten when they are too old or too many.

    Args:
        policy: How many are kept, and how long.
    """

    def __init__(self, policy: PingPolicy) -> None:
        self._policy = policy
        self._kept: dict[K, Diagnostic] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: K) -> Diagnostic | None:
        """Give the one that is kept under this key."""
        self._forget()
        return self._kept.get(key)

    def keep(self, key: K, diagnostic: Diagnostic) -> None:
        """Keep one as the newest, in the place of the one before."""
        self._kept.pop(key, None)
        self._kept[key] = diagnostic
        self._forget()

    def _forget(self) -> None:
        while self._kept and self._has_to_go(oldest := next(iter(self._kept))):
            del self._kept[oldest]

    def _has_to_go(self, key: K) -> bool:
        is_old = self._kept[key].age_s > self._policy.keep_s
        return is_old or len(self._kept) > self._policy.most_kept
