"""The servers that are asked side by side, and the clock of their CPU time."""

import math
import time
from pathlib import Path

import msgspec
from msgspec import Struct

NANOSECONDS = 1e-9


class Side(Struct, frozen=True, kw_only=True):
    """One of several servers that are sent the same; its processes' numbers are for their CPU time."""

    name: str
    url: str
    pids: tuple[int, ...] = ()

    def cpu_s(self) -> float:
        """Return the CPU seconds that its processes have used so far; NaN where the system does not tell."""
        return sum(map(cpu_s, self.pids)) if self.pids else math.nan


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used, to the nanosecond; NaN where the system does not tell.

    Linux makes the number of a process's clock from its own (`CPUCLOCK_SCHED` in `linux/posix-timers.h`, as
    glibc's clock_getcpuclockid(3) does): reading it takes a third of a microsecond, and disturbs nobody.
    """
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:  # it ended, or this is no Linux
        return math.nan


def write_sides(path: Path, sides: tuple[Side, ...]) -> None:
    """Write them for the load generator."""
    path.write_bytes(msgspec.json.encode(sides))


def read_sides(path: Path) -> tuple[Side, ...]:
    """Read them."""
    return msgspec.json.decode(path.read_bytes(), type=tuple[Side, ...])
