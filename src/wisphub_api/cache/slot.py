"""A loaded value and the decisions on its age: pure functions of values and *now*.

Words as in RFC 9111 (fresh, stale, age) and RFC 5861 (stale-while-revalidate, stale-if-error).
All times are seconds on one monotonic clock.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Final, Generic, Literal, TypeVar

import msgspec

V = TypeVar("V")
W = TypeVar("W")
Forwarded = Literal["miss", "stale", "request", "method"]

REFRESH_AHEAD = (0.80, 0.95)
"""The part of the TTL after which a refresh is due; drawn at random so that workers spread out."""
_VERSIONS: Final = itertools.count(1)
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 30.0


class Policy(msgspec.Struct, frozen=True):
    """How long a value may be used.

    Attributes:
        ttl_s: How long it is fresh.
        max_stale_s: How long past its TTL it is still given while loads fail.
        cold_wait_s: How long a reader waits for a load when there is no value to give.
    """

    ttl_s: float
    max_stale_s: float
    cold_wait_s: float


class Slot(msgspec.Struct, Generic[V], frozen=True):
    """One loaded value; a refresh makes a new one.

    Attributes:
        value: What was loaded.
        loaded_at: When the load began: what it read may be as old as that.
        cost_s: How long the load took.
        refresh_at: When the next load is due.
        version: Which value this is: no two different values of this process have the same.
    """

    value: V
    loaded_at: float
    cost_s: float
    refresh_at: float
    version: int = msgspec.field(default_factory=_VERSIONS.__next__)

    def holding(self, value: V) -> Slot[V]:
        """Return a slot with another value of the same age; the same one where the value is the same."""
        if value is self.value:
            return self
        return msgspec.structs.replace(self, value=value, version=next(_VERSIONS))


class Reading(msgspec.Struct, Generic[V], frozen=True):
    """A value as given to a reader.

    Attributes:
        value: What was read.
        age_s: How old it is.
        ttl_s: How long it stays fresh; negative once it is stale.
        has_waited: Whether the reader had to wait for the load.
        forwarded: Why it had to (RFC 9211, section 2.2): "miss" without a value, "stale" where it was too
            old, "request" where the reader wished for a newer one than a fresh one, "method" for a write.
        version: The slot's; 0 for what was made of its value.
    """

    value: V
    age_s: float
    ttl_s: float
    has_waited: bool = False
    forwarded: Forwarded = "miss"
    version: int = 0

    @property
    def is_stale(self) -> bool:
        """Whether it is older than its TTL."""
        return self.ttl_s < 0

    def map(self, change: Callable[[V], W]) -> Reading[W]:
        """Give what `change` makes of the value, of the same age."""
        return Reading(change(self.value), self.age_s, self.ttl_s, self.has_waited, self.forwarded)


def refresh_due(loaded_at: float, cost_s: float, ttl_s: float, draw: float) -> float:
    """Tell when to load again: ahead of expiry by the load's own cost, and at a random point.

    The upstream is left in peace for half the TTL, and for as long as the load took.

    Args:
        loaded_at: When the last load began.
        cost_s: How long it took.
        ttl_s: How long its value is fresh.
        draw: A random number from 0 to 1.
    """
    low, high = REFRESH_AHEAD
    ahead = ttl_s * (low + (high - low) * draw) - cost_s
    return loaded_at + max(ahead, ttl_s / 2, 2 * cost_s)


def retry_delay(failures: int, ttl_s: float, draw: float, retry_after_s: float | None) -> float:
    """Tell how long to wait after the nth failure in a row, in seconds.

    Exponential backoff with equal jitter (half of the delay is random), never longer than the TTL
    unless the upstream asks for more.
    """
    longest = min(LONGEST_RETRY_S, ttl_s)
    delay = min(longest, FIRST_RETRY_S * 2.0 ** min(failures - 1, 16))
    return max(delay * (1 + draw) / 2, retry_after_s or 0.0)


def read_slot(slot: Slot[V], policy: Policy, now: float) -> Reading[V] | None:
    """Give the value with its age, or None where it is too old to be given at all."""
    age_s = now - slot.loaded_at
    if age_s > policy.ttl_s + policy.max_stale_s:
        return None
    return Reading(slot.value, age_s, policy.ttl_s - age_s, version=slot.version)
