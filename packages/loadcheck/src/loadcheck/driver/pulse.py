"""How well the load generator itself is doing: how late it wakes, what an echo takes, what it costs."""

import contextlib
import time
from array import array
from collections.abc import Iterator

import gevent
import msgspec
import numpy as np
import psutil
from gevent import socket

from loadcheck.driver.clock import Clock
from loadcheck.model.facts import Spread
from loadcheck.run.echo import ECHO, MOMENT, spread

PULSE_S = 0.02
ANSWER_WITHIN_S = 10.0


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
        """Return the 95th percentile of the lateness; 0 before the first pulse."""
        return float(np.quantile(self._lag_ms, 0.95)) if self._lag_ms else 0.0

    def _beat(self) -> None:
        while True:
            slept_from_s = self._clock.elapsed_s()
            gevent.sleep(PULSE_S)
            self._lag_ms.extend(lags_ms(self._clock.elapsed_s() - slept_from_s - PULSE_S))


def lags_ms(late_s: float) -> Iterator[float]:
    """Return the lateness of a pulse, and of each that should have come meanwhile: a stall is many late."""
    yield late_s * 1_000
    while (late_s := late_s - PULSE_S) > 0:
        yield late_s * 1_000


class EchoCaller:
    """Asks the echo server 50 times a second, beside the users and through their event loop.

    It counts how late an echo is read: as a user's answer, it waits until the loop has time for it. After a
    stall those that should have come meanwhile count as well. On a machine without the server (a remote
    worker's) nothing is measured.
    """

    def __init__(self, address: tuple[str, int], clock: Clock) -> None:
        self._address = address
        self._clock = clock
        self._took = array("d")
        self._done_s = array("d")
        self._greenlet = gevent.spawn(self._ask_often)

    def stop(self) -> None:
        """End it."""
        self._greenlet.kill()

    def spread(self, from_s: float) -> Spread | None:
        """Return what the echoes since a moment of the run took; None where there was none."""
        done_s, took_ms = np.array(self._done_s), np.array(self._took)
        judged = took_ms[done_s >= from_s].tolist()
        return Spread(**spread(judged)) if judged else None

    def _ask_often(self) -> None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(self._address, timeout=ANSWER_WITHIN_S) as connection,
        ):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers = connection.makefile("rb")
            while True:
                connection.sendall(ECHO)
                answer = answers.read(MOMENT.size)
                if len(answer) < MOMENT.size:
                    return
                late_s = time.monotonic() - MOMENT.unpack(answer)[0]
                for late_ms in lags_ms(late_s):
                    self._took.append(late_ms)
                    self._done_s.append(self._clock.elapsed_s())


def timer_spread(address: tuple[str, int], since: float) -> Spread:
    """Ask the echo server how late its timer woke since a moment (seconds since the epoch)."""
    with socket.create_connection(address, timeout=ANSWER_WITHIN_S) as connection:
        connection.sendall(f"timer {since}\n".encode())
        return msgspec.json.decode(connection.makefile("rb").readline(), type=Spread)


class Cost:
    """CPU time since its construction: this process's and the whole machine's."""

    def __init__(self) -> None:
        self._at, self._own_s, self._machine_s = time.perf_counter(), time.process_time(), machine_busy_s()

    def cores(self) -> tuple[float, float]:
        """Return the cores kept busy on average by this process, and by everything on the machine."""
        wall_s = time.perf_counter() - self._at
        return (time.process_time() - self._own_s) / wall_s, (machine_busy_s() - self._machine_s) / wall_s


def machine_busy_s() -> float:
    """Return the CPU seconds that the machine has worked or lost to its neighbours since its start."""
    times = psutil.cpu_times()._asdict()
    return float(sum(times.get(name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal")))
