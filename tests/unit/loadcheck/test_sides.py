"""Servers side by side, and the clock of their CPU time."""

import math
import os
import subprocess
import sys
import time
from itertools import pairwise

from loadcheck.sides import Side, cpu_s, read_sides, write_sides

BUSY = "import time\nwhile True: pass"


def test_the_cpu_time_of_another_process_is_known_to_less_than_a_tick():
    with subprocess.Popen([sys.executable, "-c", BUSY]) as busy:
        try:
            seen: list[float] = []
            until = time.monotonic() + 10
            while len(set(seen)) < 20 and time.monotonic() < until:
                seen.append(cpu_s(busy.pid))
        finally:
            busy.kill()
    assert seen == sorted(seen)
    grown = [later - earlier for earlier, later in pairwise(seen) if later > earlier]
    assert 0 < min(grown) < 0.01  # a tick of the system's accounts is 10 ms


def test_who_is_gone_tells_nothing():
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    assert math.isnan(cpu_s(gone.pid))


def test_the_times_of_all_processes_are_one():
    both = Side(name="base", url="http://127.0.0.1:1", pids=(os.getpid(), os.getpid())).cpu_s()
    assert both > cpu_s(os.getpid())
    assert math.isnan(Side(name="base", url="http://127.0.0.1:1").cpu_s())


def test_they_travel_as_a_file(tmp_path):
    sides = (
        Side(name="base", url="http://127.0.0.1:1", pids=(7, 8)),
        Side(name="head", url="http://[::1]:2"),
    )
    write_sides(tmp_path / "sides.json", sides)
    assert read_sides(tmp_path / "sides.json") == sides
