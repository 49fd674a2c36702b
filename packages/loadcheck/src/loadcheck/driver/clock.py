"""The run's time: one zero, by the monotonic clock and by the calendar."""

import time


class Clock:
    """Starts with its construction."""

    def __init__(self) -> None:
        self.started_at = time.time()
        """The zero in seconds since the epoch."""
        self._zero = time.perf_counter()

    def elapsed_s(self) -> float:
        """Return the seconds since the zero, by the monotonic clock."""
        return time.perf_counter() - self._zero

    def moment_s(self, at: float) -> float:
        """Convert a recent moment of the calendar to seconds since the zero.

        Only the time since then is the calendar's: a clock that was set earlier in the run does not matter.
        """
        return self.elapsed_s() - (time.time() - at)
