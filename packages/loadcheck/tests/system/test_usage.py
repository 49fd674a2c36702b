"""What a process and its children consume."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from loadcheck.run.usage import UsageWatch, read_tree


@contextmanager
def running(script: str) -> Iterator[psutil.Process]:
    """Run a script that writes a line when it is ready, and ends when it reads one."""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        yield psutil.Process(process.pid)
        process.communicate("\n")


def test_children_count() -> None:
    script = (
        "import subprocess, sys; "
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE); "
        "print('up', flush=True); input(); child.communicate()"
    )
    with running(script) as process:
        whole, alone = read_tree(process), process.memory_info().rss
    assert whole.memory_bytes > alone


def test_the_cpu_time_of_children_that_have_ended_stays() -> None:
    script = (
        "import subprocess, sys; burn = 'import time\\nwhile time.process_time() < 0.3: pass'; "
        "subprocess.run([sys.executable, '-c', burn]); print('done', flush=True); input()"
    )
    with running(script) as process:
        whole = read_tree(process)
    assert whole.cpu_s >= 0.3


def test_watching_ends_with_the_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as process:
        watch = UsageWatch(process.pid)
        process.communicate("\n")
    watch.stop()
    with pytest.raises(psutil.NoSuchProcess):
        read_tree(psutil.Process(process.pid))
