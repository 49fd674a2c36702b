"""How long an answer takes: a fixed time or a distribution."""

import math
import random
import re
from typing import Literal

import msgspec

LONGEST_MS = 3_600_000
WIDEST_SIGMA = 3.0
ALLOWED = (
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
    """A distribution of answer times.

    Attributes:
        text: As it was given; see `ALLOWED`.
        first: Milliseconds: the constant, the least, or the median.
        second: The most in milliseconds, or the sigma.
    """

    text: str
    form: Literal["constant", "uniform", "lognormal"]
    first: float
    second: float = 0.0

    def sample_s(self, rng: random.Random) -> float:
        """Draw one answer time in seconds."""
        match self.form:
            case "constant":
                return self.first / 1000
            case "uniform":
                return rng.uniform(self.first, self.second) / 1000
            case "lognormal":
                return self.first * math.exp(rng.gauss(0, self.second)) / 1000


def parse_latency(text: str) -> Latency:
    """Read a distribution.

    Raises:
        ValueError: It is none of the allowed forms; the message names them.
    """
    for form, pattern in _FORMS:
        if found := pattern.fullmatch(text.strip()):
            numbers = [float(group) for group in found.groups()]
            if _is_sensible(form, *numbers):
                return Latency(text.strip(), form, *numbers)
    raise ValueError(f"{text!r} is no latency; allowed: {ALLOWED}")


def _is_sensible(form: str, first: float, second: float = 0.0) -> bool:
    if form == "lognormal":
        return 0 < first <= LONGEST_MS and second <= WIDEST_SIGMA
    return first <= LONGEST_MS and (form != "uniform" or first <= second <= LONGEST_MS)
