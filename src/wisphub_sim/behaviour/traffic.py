"""The traffic of one simulator: its rate limit, its response times, and the counts of its requests."""

import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from wisphub_sim.settings import Behaviour


class Stats:
    """Counts of the requests to the simulated API; those to the controls are left out.

    Args:
        now: A monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self.in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Set the counts to zero; requests in flight remain in flight."""
        self.rejected = 0
        self._requests: Counter[str] = Counter()
        self._peak_in_flight = self.in_flight
        self._peak_per_s = 0
        self._last_second: deque[float] = deque()

    @contextmanager
    def request(self, method: str, template: str) -> Iterator[None]:
        """Count a request; it is in flight while the block runs."""
        self._requests[f"{method} {template}"] += 1
        self.in_flight += 1
        self._peak_in_flight = max(self._peak_in_flight, self.in_flight)
        self._count_second()
        try:
            yield
        finally:
            self.in_flight -= 1

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as `/_sim/stats` shows them."""
        return {
            "requests": dict(self._requests),
            "total": self._requests.total(),
            "in_flight": self.in_flight,
            "peak_in_flight": self._peak_in_flight,
            "peak_per_s": self._peak_per_s,
            "rejected": self.rejected,
        }

    def _count_second(self) -> None:
        """Update the peak of a sliding second: fixed seconds would split a burst in two."""
        now = self._now()
        self._last_second.append(now)
        while self._last_second[0] <= now - 1:
            self._last_second.popleft()
        self._peak_per_s = max(self._peak_per_s, len(self._last_second))


class Throttle:
    """A rate limit: a token bucket with the capacity of one second.

    Args:
        rate_per_s: The requests a second that are admitted; 0: all.
    """

    def __init__(self, rate_per_s: float) -> None:
        self._rate_per_s = rate_per_s
        self._tokens = max(rate_per_s, 1.0)
        self._filled_at_s: float | None = None

    def admits(self, now_s: float) -> bool:
        """Return whether a request at this time of a monotonic clock is admitted; if so, take a token."""
        if self._rate_per_s == 0:
            return True
        elapsed_s = 0.0 if self._filled_at_s is None else now_s - self._filled_at_s
        self._filled_at_s = now_s
        self._tokens = min(self._tokens + elapsed_s * self._rate_per_s, max(self._rate_per_s, 1.0))
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Traffic:
    """The counts, the rate limit and the response times of one simulator.

    Attributes:
        behaviour: The settings in force.
    """

    def __init__(self, seed: int, behaviour: Behaviour) -> None:
        self._seed = seed
        self._first_behaviour = behaviour
        self.stats = Stats()
        self.reset()

    def reset(self) -> None:
        """Return to the behaviour of the start, with counts at zero."""
        self.stats.reset()
        self._rng = random.Random(self._seed)  # noqa: S311 - repeatable on purpose
        self.change(self._first_behaviour)

    def change(self, behaviour: Behaviour) -> None:
        """Put other settings in force from the next request on."""
        self.behaviour = behaviour
        self._throttle = Throttle(behaviour.rate_limit_per_s)

    def admits(self, now_s: float) -> bool:
        """Return whether the rate limit admits a request; count it as rejected otherwise."""
        is_admitted = self._throttle.admits(now_s)
        self.stats.rejected += not is_admitted
        return is_admitted

    def delay_s(self) -> float:
        """Draw the latency of the next response."""
        return self.behaviour.latency.sample_s(self._rng)
