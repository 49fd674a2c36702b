"""Trying again: only what is safe to repeat, never longer than a deadline, at the upstream's pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import stamina

from wisphub_api.exceptions import UpstreamError, UpstreamFailed, UpstreamRefused

ATTEMPTS: Final = 4
LONGEST_WAIT_S: Final = 10.0
"""A longer `Retry-After` is not waited for within a load: the load fails and comes back by then."""
SERVER_ERROR: Final = 500


def backoff_for(error: Exception) -> bool | float:
    """Decide on another try: no, yes with exponential backoff, or yes after so many seconds."""
    if isinstance(error, UpstreamFailed) and error.status < SERVER_ERROR:
        return False
    if isinstance(error, UpstreamError) and error.retry_after_s is not None:
        return error.retry_after_s if error.retry_after_s <= LONGEST_WAIT_S else False
    return isinstance(error, UpstreamError) and not isinstance(error, UpstreamRefused)


def attempts(deadline_s: float) -> AsyncIterator[stamina.Attempt]:
    """Give the attempts of one call that is safe to repeat; no new one begins after `deadline_s`.

    Nor is one waited for that long: the load fails then, and the next, whose answer is younger, is in time.
    """
    now = asyncio.get_running_loop().time
    ends_at = now() + deadline_s

    def backoff(error: Exception) -> bool | float:
        wait = backoff_for(error)
        is_too_long = not isinstance(wait, bool) and now() + wait > ends_at
        return False if is_too_long else wait

    return stamina.retry_context(
        on=backoff,
        attempts=ATTEMPTS,
        timeout=deadline_s,
        wait_initial=0.2,
        wait_max=LONGEST_WAIT_S,
        wait_jitter=0.3,
    ).__aiter__()
