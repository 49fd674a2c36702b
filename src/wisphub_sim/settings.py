"""The settings of a simulator: its data, and how it answers."""

import math
import random
import re
from typing import Literal

import msgspec

LONGEST_S = 86_400.0
"""The longest wait that a setting or a fault may ask for, in seconds."""
MOST_PER_S = 1e6
_LONGEST_MS = 3_600_000
_WIDEST_SIGMA = 3.0
_ALLOWED = (
    "250 (always), 200-1000 (any between) or lognormal:250:0.5 (median, and sigma up to 3), "
    "in milliseconds up to an hour"
)
_NUMBER = r"(\d+(?:\.\d+)?)"
_FORMS: tuple[tuple[Literal["constant", "uniform", "lognormal"], re.Pattern[str]], ...] = (
    ("constant", re.compile(_NUMBER)),
    ("uniform", re.compile(f"{_NUMBER}-{_NUMBER}")),
    ("lognormal", re.compile(f"lognormal:{_NUMBER}:{_NUMBER}")),
)


class Latency(msgspec.Struct, frozen=True):
    """A distribution of response times.

    Attributes:
        text: The notation that was parsed.
        first: The constant, the minimum or the median, in milliseconds.
        second: The maximum in milliseconds, or the sigma.
    """

    text: str
    form: Literal["constant", "uniform", "lognormal"]
    first: float
    second: float = 0.0

    def sample_s(self, rng: random.Random) -> float:
        """Draw one response time in seconds."""
        match self.form:
            case "constant":
                return self.first / 1000
            case "uniform":
                return rng.uniform(self.first, self.second) / 1000
            case "lognormal":
                return self.first * math.exp(rng.gauss(0, self.second)) / 1000


def parse_latency(text: str) -> Latency:
    """Parse a distribution of response times.

    Raises:
        ValueError: The text has none of the allowed forms; the message names them.
    """
    for form, pattern in _FORMS:
        if found := pattern.fullmatch(text.strip()):
            numbers = [float(group) for group in found.groups()]
            if _is_allowed(form, *numbers):
                return Latency(text.strip(), form, *numbers)
    raise ValueError(f"{text!r} is no latency; allowed: {_ALLOWED}")


def _is_allowed(form: str, first: float, second: float = 0.0) -> bool:
    if form == "lognormal":
        return 0 < first <= _LONGEST_MS and second <= _WIDEST_SIGMA
    return first <= _LONGEST_MS and (form != "uniform" or first <= second <= _LONGEST_MS)


class Behaviour(msgspec.Struct, frozen=True):
    """How a simulator answers; `/_sim/config` changes it while the simulator runs.

    Attributes:
        latency: The response time before any fault.
        rate_limit_per_s: The requests a second from which on it answers 429; 0: no limit.
        retry_after_s: The `Retry-After` of a 429; None: no such header.
    """

    latency: Latency = Latency("0", "constant", 0.0)
    rate_limit_per_s: float = 0.0
    retry_after_s: float | None = 1.0

    def as_dict(self) -> dict[str, object]:
        """Return the values as `/_sim/config` shows them."""
        return {
            "latency_ms": self.latency.text,
            "rate_limit_per_s": self.rate_limit_per_s,
            "retry_after_s": self.retry_after_s,
        }


class Settings(msgspec.Struct, frozen=True):
    """One simulator; the same settings produce the same records and faults."""

    clients: int = 2000
    seed: int = 1
    key: str = "demo-key"
    behaviour: Behaviour = Behaviour()
