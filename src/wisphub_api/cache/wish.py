"""How fresh a reader wants its answer, and what that means for the value in memory: pure functions.

Words as in RFC 9111, section 5.2.1 (request directives), and RFC 5861, section 4 (stale-if-error).
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from wisphub_api.cache.slot import Policy

Decision = Literal["answer", "wait", "refuse"]

FORCED_EVERY_S: Final = 5.0
"""A value younger than this is new enough for every wish: readers cannot make loads come more often."""
REST_AFTER_LOAD: Final = 2.0
"""Nor can they before a load has cost the upstream's time once more: a slow upstream gets its rest."""


class Wish(Struct, frozen=True):
    """What a reader asks of an answer's age; without a wish it gets what the cache's policy gives.

    Attributes:
        max_age_s: The answer is no older than this; 0 asks for a new one.
        min_fresh_s: It stays fresh for at least this long.
        max_stale_s: It is past its TTL by no more than this; infinite: by what the policy allows.
        stale_if_error_s: Where no load brings a better one, it is past its TTL by no more than this.
        only_if_cached: It comes from memory or not at all.
    """

    max_age_s: float | None = None
    min_fresh_s: float | None = None
    max_stale_s: float | None = None
    stale_if_error_s: float | None = None
    only_if_cached: bool = False


ANY: Final = Wish()


def greatest_age(wish: Wish, policy: Policy) -> float:
    """Give the age up to which a value fulfils the wish, in seconds; negative where none can.

    A stale value is given where the reader asks for none of the rest, as the policy allows it. With
    max-age (section 5.2.1.1) or min-fresh (5.2.1.3) a stale one is not wished for, unless max-stale
    (5.2.1.2) is there too.
    """
    is_strict = wish.max_age_s is not None or wish.min_fresh_s is not None
    stale_s = (0.0 if is_strict else policy.max_stale_s) if wish.max_stale_s is None else wish.max_stale_s
    bounds = [policy.ttl_s + min(stale_s, policy.max_stale_s)]
    if wish.max_age_s is not None:
        bounds.append(wish.max_age_s)
    if wish.min_fresh_s is not None:
        bounds.append(policy.ttl_s - wish.min_fresh_s)
    return min(bounds)


def new_enough(wish: Wish, policy: Policy, cost_s: float) -> float:
    """Give the age up to which no load is begun for the wish, in seconds.

    It is more than a load takes, so one that is under way is always new enough to be waited for.

    Args:
        wish: What is asked.
        policy: The cache's own rules.
        cost_s: How long the last load took.
    """
    return max(greatest_age(wish, policy), FORCED_EVERY_S, REST_AFTER_LOAD * cost_s)


def decide(wish: Wish, policy: Policy, age_s: float | None, cost_s: float) -> Decision:
    """Tell whether to answer from memory, to wait for a load, or to refuse.

    Args:
        wish: What is asked.
        policy: The cache's own rules.
        age_s: How old the value in memory is; None where there is none that may be given.
        cost_s: How long its load took.
    """
    if wish.only_if_cached:  # section 5.2.1.7: consistent with the other constraints, or 504
        return "answer" if age_s is not None and age_s <= greatest_age(wish, policy) else "refuse"
    return "answer" if age_s is not None and age_s <= new_enough(wish, policy, cost_s) else "wait"


def is_good_after_error(wish: Wish, policy: Policy, age_s: float) -> bool:
    """Tell whether a value may be given where no load brought a better one (RFC 5861, section 4).

    Otherwise it may not (RFC 9111, section 4.2.4, lets a cache that is cut off from its origin answer
    stale, but this reader has said that it minds).
    """
    is_allowed = wish.stale_if_error_s is not None and age_s <= policy.ttl_s + wish.stale_if_error_s
    return is_allowed or age_s <= greatest_age(wish, policy)
