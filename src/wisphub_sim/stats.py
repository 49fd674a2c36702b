"""What was asked of the simulator: counts by path, the most that were open at once or came in a second."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any


class Stats:
    """Counts every request to the simulated API; requests to the controls are not counted.

    Args:
        now: A steady clock in seconds.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self.in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Start counting anew; requests still open stay open."""
        self.rejected = 0
        self._requests: Counter[str] = Counter()
        self._peak_in_flight = self.in_flight
        self._peak_per_s = 0
        self._last_second: deque[float] = deque()

    @contextmanager
    def request(self, method: str, template: str) -> Iterator[None]:
        """Count a request, and as in flight while the block runs."""
        self._requests[f"{method} {template}"] += 1
        self.in_flight += 1
        self._peak_in_flight = max(self._peak_in_flight, self.in_flight)
        self._note_time()
        try:
            yield
        finally:
            self.in_flight -= 1

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as the control shows them."""
        return {
            "requests": dict(self._requests),
            "total": self._requests.total(),
            "in_flight": self.in_flight,
            "peak_in_flight": self._peak_in_flight,
            "peak_per_s": self._peak_per_s,
            "rejected": self.rejected,
        }

    def _note_time(self) -> None:
        """Count those of the last second, wherever it begins, not those of a second by the clock."""
        now = self._now()
        self._last_second.append(now)
        while self._last_second[0] <= now - 1:
            self._last_second.popleft()
        self._peak_per_s = max(self._peak_per_s, len(self._last_second))
