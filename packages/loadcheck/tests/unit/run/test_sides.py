"""Servers side by side, and the clock of their CPU time."""

import math
import os

from loadcheck.run.sides import Side, cpu_s, read_sides, write_sides


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
