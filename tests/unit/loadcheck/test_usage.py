import subprocess
import sys

import psutil
import pytest

from loadcheck.usage import Reading, UsageWatch, read_tree, usage_between

READINGS = tuple(
    Reading(at=at, cpu_s=cpu_s, memory_bytes=memory, open_files=9)
    for at, cpu_s, memory in [(10, 1, 100), (12, 2, 300), (14, 6, 200)]
)


def test_cpu_time_is_interpolated_at_both_ends() -> None:
    usage = usage_between(READINGS, 11, 13)
    assert (usage.cpu_s, usage.cores, usage.peak_memory_bytes, usage.peak_open_files) == (2.5, 1.25, 300, 9)


def test_outside_the_readings_the_nearest_counts() -> None:
    assert usage_between(READINGS, 0, 20).cpu_s == 5
    assert usage_between(READINGS, 12, 12).cores == 0
    assert usage_between(READINGS, 20, 30).peak_memory_bytes == 200


def test_without_readings_nothing_was_used() -> None:
    assert usage_between((), 0, 1).peak_memory_bytes == 0


def test_children_count() -> None:
    script = (
        "import subprocess, sys; "
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE); "
        "print('up', flush=True); input(); child.communicate()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        parent.stdout.readline()
        process = psutil.Process(parent.pid)
        whole, alone = read_tree(process), process.memory_info().rss
        parent.communicate("\n")
    assert whole.memory_bytes > alone


def test_watching_ends_with_the_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as process:
        watch = UsageWatch(process.pid)
        process.communicate("\n")
    watch.stop()
    with pytest.raises(psutil.NoSuchProcess):
        read_tree(psutil.Process(process.pid))
