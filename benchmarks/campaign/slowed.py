"""The service, slowed on purpose: `python -m benchmarks.campaign.slowed serve …`.

What is slowed, and how much, is told by the environment variable SLOWED (JSON): the begin of a request line,
such as `GET /api/v1/clients/search`, and microseconds by which each such request takes longer, spent waiting
("time") or working ("cpu"). It is spent before the server's protocol sees the request, so that none of its
ways is left out.
"""

import ctypes
import os
import time
from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct

from wisphub_api.cli import main
from wisphub_api.web.server.bounded_http import BoundedHttp
from wisphub_api.web.server.draining_server import OPTIONS

SLOWED: Final = "SLOWED"
LATE_US: Final = 70.0
"""A sleeper wakes so much later than it should, on a machine that has to be woken itself."""
PR_SET_TIMERSLACK: Final = 29
"""Linux wakes sleepers up to 50 microseconds late, unless asked not to."""


Kind = Literal["time", "cpu"]


class Slowdown(Struct, frozen=True):
    """By how many microseconds, and what they are spent on."""

    us: float
    kind: Kind

    def spend(self) -> None:
        """Spend them to the microsecond: a wait is as long as surely ends in time, the rest is work."""
        until = time.perf_counter() + self.us / 1e6
        if self.kind == "time" and self.us > LATE_US:
            time.sleep((self.us - LATE_US) / 1e6)
        while time.perf_counter() < until:
            pass


def slowdowns() -> dict[bytes, Slowdown]:
    """Read what is slowed."""
    told = msgspec.json.decode(os.environ.get(SLOWED, "{}"), type=dict[str, Slowdown])
    return {begin.encode(): slowdown for begin, slowdown in told.items()}


def encoded(told: Mapping[str, Slowdown]) -> str:
    """Write what is slowed."""
    return msgspec.json.encode(told).decode()


class SlowedHttp(BoundedHttp):
    """Spends some time before requests that begin in certain ways."""

    slowdowns = slowdowns()

    def data_received(self, data: bytes) -> None:
        """Take what came, a little later."""
        fitting = (slowdown for begin, slowdown in self.slowdowns.items() if data.startswith(begin))
        if slowdown := next(fitting, None):
            slowdown.spend()
        super().data_received(data)


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1)
    OPTIONS["http"] = "benchmarks.campaign.slowed:SlowedHttp"
    main()
