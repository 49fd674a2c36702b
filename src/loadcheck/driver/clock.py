"""The run's time: one zero, told by the monotonic clock and by the calendar."""

import time


class Clock:
    """Starts with its construction."""

    def __init__(self) -> None:
        self.started_at = time.time()
        """The zero in seconds since the epoch."""
        self._zero = time.perf_counter()

    def elapsed_s(self) -> float:
        """The seconds since the zero, by the monotonic clock."""
        return time.perf_counter() - self._zero
