"""What a process and its children consume: readings while it runs, and their sum over a stretch of time."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Sequence

import psutil
from msgspec import Struct

from loadcheck.model.resources import Moment, Usage

READ_EVERY_S = 0.25
ASK_EVERY_READINGS = 4


class Reading(Struct, frozen=True, kw_only=True):
    """One look at a process tree: `at` in seconds since the epoch, CPU time since its start.

    `lag_ms` is how late its event loop woke lately, None where it does not say.
    """

    at: float
    cpu_s: float
    memory_bytes: int
    open_files: int
    threads: int
    lag_ms: float | None = None


def usage_between(readings: Sequence[Reading], start: float, end: float) -> Usage:
    """Sum up the readings from `start` to `end` (seconds since the epoch), interpolating CPU time at both."""
    inside = [reading for reading in readings if start <= reading.at <= end] or list(readings[-1:])
    cpu_s = max(_cpu_at(readings, end) - _cpu_at(readings, start), 0.0)
    return Usage(
        cpu_s=cpu_s,
        cores=cpu_s / (end - start) if end > start else 0.0,
        peak_memory_bytes=max((reading.memory_bytes for reading in inside), default=0),
        peak_open_files=max((reading.open_files for reading in inside), default=0),
        peak_threads=max((reading.threads for reading in inside), default=0),
        lag_max_ms=max((reading.lag_ms for reading in inside if reading.lag_ms is not None), default=None),
    )


def timeline(readings: Sequence[Reading], start: float, end: float) -> tuple[Moment, ...]:
    """Return a run's readings moment by moment, from `start` to `end` (seconds since the epoch)."""
    inside = [reading for reading in readings if start <= reading.at <= end]
    before = [reading for reading in readings if reading.at < start][-1:] or inside[:1]
    return tuple(
        Moment(
            at_s=now.at - start,
            cores=max(now.cpu_s - last.cpu_s, 0.0) / (now.at - last.at) if now.at > last.at else 0.0,
            memory_bytes=now.memory_bytes,
            open_files=now.open_files,
            threads=now.threads,
            lag_ms=now.lag_ms,
        )
        for last, now in zip([*before, *inside], inside, strict=False)
    )


def _cpu_at(readings: Sequence[Reading], at: float) -> float:
    before = next((reading for reading in reversed(readings) if reading.at <= at), None)
    after = next((reading for reading in readings if reading.at >= at), None)
    if before is None or after is None or after.at == before.at:
        nearest = before or after
        return nearest.cpu_s if nearest else 0.0
    return before.cpu_s + (after.cpu_s - before.cpu_s) * (at - before.at) / (after.at - before.at)


class UsageWatch:
    """Reads a process tree every quarter of a second in a thread of its own, until stopped.

    `lag_ms`, where given, asks the process how late its event loop wakes, once a second: each
    question is a request of its own.
    """

    def __init__(self, pid: int, lag_ms: Callable[[], float | None] | None = None) -> None:
        self.readings: list[Reading] = []
        self._process = psutil.Process(pid)
        self._lag_ms = lag_ms
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"usage of {pid}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop reading."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        with contextlib.suppress(psutil.Error):  # it ended, or may not be looked at: nothing more to read
            for number in itertools.count():
                asks = number % ASK_EVERY_READINGS == 0
                lag_ms = self._lag_ms() if self._lag_ms and asks else None
                self.readings.append(read_tree(self._process, lag_ms))
                if self._stopped.wait(READ_EVERY_S):
                    return


def read_tree(process: psutil.Process, lag_ms: float | None = None) -> Reading:
    """Look at a process and its descendants now; raises psutil's NoSuchProcess when it has ended."""
    looks = [_look(process)]
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            looks.append(_look(child))
    cpu_s, memory, files, threads = (sum(column) for column in zip(*looks, strict=True))
    return Reading(
        at=time.time(),
        cpu_s=cpu_s,
        memory_bytes=int(memory),
        open_files=int(files),
        threads=int(threads),
        lag_ms=lag_ms,
    )


def _look(process: psutil.Process) -> tuple[float, int, int, int]:
    """Read one process; the CPU time of children that have ended is its own, lest the sum fall with them."""
    with process.oneshot():
        cpu = process.cpu_times()
        own_s, ended_s = cpu.user + cpu.system, cpu.children_user + cpu.children_system
        return own_s + ended_s, process.memory_info().rss, process.num_fds(), process.num_threads()
