"""How well the load generator itself is doing: how late it wakes, what CPU time it costs."""

import time
from array import array
from collections.abc import Iterator

import gevent
import numpy as np
import psutil

from loadcheck.driver.clock import Clock

PULSE_S = 0.02


class Pulse:
    """Wakes every 20 ms: how late it wakes is how late every greenlet is served, answers included."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lag_ms = array("d")
        self._greenlet = gevent.spawn(self._beat)

    def stop(self) -> None:
        """End it."""
        self._greenlet.kill()

    def lag_p95_ms(self) -> float:
        """The 95th percentile of the lateness; 0 before the first pulse."""
        return float(np.quantile(self._lag_ms, 0.95)) if self._lag_ms else 0.0

    def _beat(self) -> None:
        while True:
            slept_from_s = self._clock.elapsed_s()
            gevent.sleep(PULSE_S)
            self._lag_ms.extend(lags_ms(self._clock.elapsed_s() - slept_from_s - PULSE_S))


def lags_ms(late_s: float) -> Iterator[float]:
    """Give the lateness of a pulse, and of each that should have come meanwhile: a stall is many late."""
    yield late_s * 1_000
    while (late_s := late_s - PULSE_S) > 0:
        yield late_s * 1_000


class Cost:
    """CPU time since its construction: this process's and the whole machine's."""

    def __init__(self) -> None:
        self._at, self._own_s, self._machine_s = time.perf_counter(), time.process_time(), machine_busy_s()

    def cores(self) -> tuple[float, float]:
        """Return the cores kept busy on average by this process, and by everything on the machine."""
        wall_s = time.perf_counter() - self._at
        return (time.process_time() - self._own_s) / wall_s, (machine_busy_s() - self._machine_s) / wall_s


def machine_busy_s() -> float:
    """The CPU seconds the machine has spent on work or lost to its neighbours since it started."""
    times = psutil.cpu_times()._asdict()
    return float(sum(times.get(name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal")))
