"""What else the machine did meanwhile: a noisy one measures itself."""

import time

import psutil
from msgspec import Struct

MOST_OTHER_CORES = 0.15
MOST_STOLEN_CORES = 0.02
BUSY_GENERATOR_CORES = 0.9


class Moment(Struct, frozen=True, kw_only=True):
    """CPU seconds that all cores have spent so far, and those that the host took away."""

    at_s: float
    busy_s: float
    stolen_s: float


class Disturbance(Struct, frozen=True, kw_only=True):
    """What others used of the machine between two moments, in cores.

    Attributes:
        other: Busy with neither the server nor the load generator.
        stolen: Taken away by the host.
    """

    other: float
    stolen: float

    @property
    def cores(self) -> float:
        """All of it."""
        return self.other + self.stolen

    @property
    def is_noisy(self) -> bool:
        """Whether it was enough to be seen in the figures."""
        return self.other > MOST_OTHER_CORES or self.stolen > MOST_STOLEN_CORES


def look() -> Moment:
    """Read the counters; interrupts are left out, as they belong to no process."""
    times = psutil.cpu_times()
    return Moment(
        at_s=time.monotonic(),
        busy_s=times.user + times.nice + times.system,
        stolen_s=getattr(times, "steal", 0.0),
    )


def disturbance(before: Moment, after: Moment, own_s: float) -> Disturbance:
    """Return what was used beside `own_s` CPU seconds of ours."""
    elapsed_s = after.at_s - before.at_s
    return Disturbance(
        other=max(0.0, after.busy_s - before.busy_s - own_s) / elapsed_s,
        stolen=max(0.0, after.stolen_s - before.stolen_s) / elapsed_s,
    )
