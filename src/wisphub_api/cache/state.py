"""A cache as it stands, for operators."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["cold", "fresh", "stale", "expired"]


class CacheState(msgspec.Struct, frozen=True):
    """What an operator wants to know of one cache.

    Attributes:
        name: The cache's name.
        state: "cold" before the first load, "expired" when too old to be given.
        size: How many items it holds.
        age_s: How old they are.
        ttl_s: How long they stay fresh; negative when stale.
        hits: Answers given at once, while fresh.
        misses: Answers that waited for a load.
        stale_answers: Answers given past the TTL.
        loads: Loads begun since the start.
        taken_over: Values that another process had loaded.
        good_loads: Loads that succeeded.
        failed_loads: Loads that failed.
        last_load_s: How long the last good load took.
        last_error: What the last load failed with; null after a good one.
        next_refresh_s: Seconds until the next load begins; 0 while one runs or is due.
    """

    name: str
    state: State
    size: int
    age_s: float | None
    ttl_s: float | None
    hits: int
    misses: int
    stale_answers: int
    loads: int
    taken_over: int
    good_loads: int
    failed_loads: int
    last_load_s: float | None
    last_error: str | None
    next_refresh_s: float
