"""What was asked of the simulator: counts by path and how many requests were open at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stats:
    """Counts every request to the simulated API; requests to the controls are not counted."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Start counting anew; requests still open stay open."""
        self.rejected = 0
        self._requests: Counter[str] = Counter()
        self._peak_in_flight = self.in_flight

    @contextmanager
    def request(self, method: str, template: str) -> Iterator[None]:
        """Count a request, and as in flight while the block runs."""
        self._requests[f"{method} {template}"] += 1
        self.in_flight += 1
        self._peak_in_flight = max(self._peak_in_flight, self.in_flight)
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
            "rejected": self.rejected,
        }
