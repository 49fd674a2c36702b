"""What a simulator starts with."""

import msgspec

from wisphub_sim.latency import Latency

LONGEST_S = 86_400.0
"""The longest wait that anything may be told, in seconds."""
MOST_PER_S = 1e6
LONGEST_NUMBER = 18
"""Digits of the longest number that is read from a request."""


class Conduct(msgspec.Struct, frozen=True):
    """How it answers; changed live under `/_sim/config`.

    Attributes:
        latency: How long an answer takes.
        rate_limit_per_s: Requests a second before 429s; 0 is no limit.
        retry_after_s: What a 429 says in `Retry-After`; None: it has none.
    """

    latency: Latency = Latency("0", "constant", 0.0)
    rate_limit_per_s: float = 0.0
    retry_after_s: float | None = 1.0

    def as_dict(self) -> dict[str, object]:
        """Return what the control shows."""
        return {
            "latency_ms": self.latency.text,
            "rate_limit_per_s": self.rate_limit_per_s,
            "retry_after_s": self.retry_after_s,
        }


class Settings(msgspec.Struct, frozen=True):
    """One simulator: the same settings give the same records and faults."""

    clients: int = 2000
    seed: int = 1
    key: str = "demo-key"
    conduct: Conduct = Conduct()
