"""How the simulator conducts itself towards its callers, and what they asked."""

import random

from wisphub_sim.settings import Conduct
from wisphub_sim.stats import Stats
from wisphub_sim.throttle import Throttle


class Traffic:
    """The counts, the rate limit and the answer times of one simulator.

    Attributes:
        conduct: How it answers now.
    """

    def __init__(self, seed: int, conduct: Conduct) -> None:
        self._seed = seed
        self._first_conduct = conduct
        self.stats = Stats()
        self.reset()

    def reset(self) -> None:
        """Answer as at the start, with counts at zero."""
        self.stats.reset()
        self._rng = random.Random(self._seed)  # noqa: S311 - repeatable on purpose
        self.adopt(self._first_conduct)

    def adopt(self, conduct: Conduct) -> None:
        """Answer in this way from the next request on."""
        self.conduct = conduct
        self._throttle = Throttle(conduct.rate_limit_per_s)

    def admits(self, now_s: float) -> bool:
        """Say whether the rate limit lets a request through; one that it does not is counted."""
        is_admitted = self._throttle.admits(now_s)
        self.stats.rejected += not is_admitted
        return is_admitted

    def delay_s(self) -> float:
        """Draw how long the next answer takes."""
        return self.conduct.latency.sample_s(self._rng)
