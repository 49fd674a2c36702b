"""The slowest requests of a run, and what the server was doing when they were answered."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from loadcheck.cache_status import CacheState
from loadcheck.samples import Samples
from loadcheck.usage import Moment


class SlowRequest(Struct, frozen=True, kw_only=True):
    """One request: when it was due in seconds of the run, how long it took, where the time went.

    `waited_ms` passed before it was sent. `server` is the server's state at the time of the answer, None
    where nobody watched.
    """

    at_s: float
    endpoint: str
    status: int
    cache: CacheState
    latency_ms: float
    waited_ms: float
    first_byte_ms: float | None
    server: Moment | None

    def __str__(self) -> str:
        waited = f" after {self.waited_ms:.1f} ms of waiting" if self.waited_ms >= 1 else ""
        first = "" if self.first_byte_ms is None else f", first byte {self.first_byte_ms:.1f} ms"
        answer = " ".join(word for word in (str(self.status), self.cache) if word)
        told = f"at {self.at_s:.2f} s {self.latency_ms:.1f} ms{waited}{first}: {self.endpoint} ({answer})"
        return told + (f"; {_state(self.server)}" if self.server else "")


def slowest(samples: Samples, moments: Sequence[Moment], count: int = 5) -> tuple[SlowRequest, ...]:
    """Return the slowest successes, the slowest first."""
    good = samples.succeeded()
    order = np.argsort(good.latency_ms)[::-1][:count]
    return tuple(_tell(good, int(index), moments) for index in order)


def _tell(samples: Samples, index: int, moments: Sequence[Moment]) -> SlowRequest:
    label = samples.labels[samples.label[index]]
    first_byte_ms = float(samples.first_byte_ms[index])
    done_s = float(samples.done_s[index])
    return SlowRequest(
        at_s=float(samples.intended_s[index]),
        endpoint=label.endpoint,
        status=label.status,
        cache=label.cache,
        latency_ms=float(samples.latency_ms[index]),
        waited_ms=float(samples.start_s[index] - samples.intended_s[index]) * 1_000,
        first_byte_ms=None if np.isnan(first_byte_ms) else first_byte_ms,
        server=min(moments, key=lambda moment: abs(moment.at_s - done_s), default=None),
    )


def _state(moment: Moment) -> str:
    lag = "" if moment.lag_ms is None else f", loop {moment.lag_ms:.1f} ms late"
    return f"server {moment.cores:.2f} cores{lag}, {moment.memory_bytes / 1e6:.0f} MB"
