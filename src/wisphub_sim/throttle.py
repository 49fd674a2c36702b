"""A rate limit: a bucket that holds one second's worth of requests."""


class Throttle:
    """Lets through a number of requests a second, with a burst of as many.

    Args:
        rate_per_s: How many a second; 0 lets everything through.
    """

    def __init__(self, rate_per_s: float) -> None:
        self._rate_per_s = rate_per_s
        self._tokens = max(rate_per_s, 1.0)
        self._filled_at_s: float | None = None

    def admits(self, now_s: float) -> bool:
        """Say whether a request at this time of a steady clock may pass, and count it if so."""
        if self._rate_per_s == 0:
            return True
        elapsed_s = 0.0 if self._filled_at_s is None else now_s - self._filled_at_s
        self._filled_at_s = now_s
        self._tokens = min(self._tokens + elapsed_s * self._rate_per_s, max(self._rate_per_s, 1.0))
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
