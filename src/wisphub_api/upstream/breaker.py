"""A circuit breaker: while WispHub Net is down, one call at a time finds out whether it is back.

See Nygard, "Release It!", 2nd edition, chapter 5.

| state | calls | leaves it |
|---|---|---|
| closed | all are let through | to open, after `FAILURES` failures in a row |
| open | none are | to half-open, `OPEN_S` later; twice that after each failed probe, to `LONGEST_OPEN_S` |
| half-open | one, the probe | to closed when it succeeds, to open when it fails |

A call that was cancelled, or whose outcome is uncertain, says nothing of WispHub Net and counts for nothing.
A refusal, a 4xx or a 429 comes from one that is up: it counts as a success.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Literal

from wisphub_api.exceptions import (
    UpstreamError,
    UpstreamFailed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamUncertain,
    UpstreamUnreachable,
)

State = Literal["closed", "open", "half-open"]
FAILURES: Final = 8
"""In a row. One load's retries of a single page are four: a single bad page does not open it."""
OPEN_S: Final = 1.0
LONGEST_OPEN_S: Final = 5.0
"""One call in five seconds is no burden to who is down, and nobody waits longer than that once it is back."""
SERVER_ERROR: Final = 500


class Breaker:
    """Lets calls through until so many in a row have failed, then one at a time, at growing intervals.

    Args:
        now: A monotonic clock in seconds; the event loop's where not given.
    """

    def __init__(self, now: Callable[[], float] | None = None) -> None:
        self._now = now or (lambda: asyncio.get_running_loop().time())
        self._failures = 0
        self._open_s = OPEN_S
        self._probe_at = 0.0
        self._is_probing = False

    @property
    def state(self) -> State:
        """`half-open`: the next call, or the one under way, is the probe."""
        if self._failures < FAILURES:
            return "closed"
        return "half-open" if self._is_probing or self._now() >= self._probe_at else "open"

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Let a call through and watch how it ends.

        Raises:
            UpstreamUnreachable: It is not let through; `retry_after_s` says when one will be.
        """
        is_probe = self._enter()
        try:
            yield
        except UpstreamUncertain:  # a hanging diagnostic says little of the rest
            raise
        except UpstreamError as error:
            self._failed() if is_outage(error) else self._succeeded()
            raise
        except BaseException:  # cancelled, or a bug of ours: it says nothing of WispHub Net
            raise
        else:
            self._succeeded()
        finally:
            if is_probe:
                self._is_probing = False

    def _enter(self) -> bool:
        if self._failures < FAILURES:
            return False
        wait_s = self._probe_at - self._now()
        if wait_s > 0 or self._is_probing:
            detail = "WispHub Net does not answer: it is not asked for the moment"
            raise UpstreamUnreachable(detail, retry_after_s=max(wait_s, 1.0))
        self._is_probing = True
        return True

    def _failed(self) -> None:
        self._failures += 1
        if self._failures < FAILURES:
            return
        if self._failures > FAILURES:
            self._open_s = min(self._open_s * 2, LONGEST_OPEN_S)
        self._probe_at = self._now() + self._open_s

    def _succeeded(self) -> None:
        self._failures = 0
        self._open_s = OPEN_S


def is_outage(error: UpstreamError) -> bool:
    """Return whether an error says that WispHub Net is down."""
    if isinstance(error, UpstreamFailed):
        return error.status >= SERVER_ERROR
    return not isinstance(error, UpstreamRefused | UpstreamRateLimited)
