import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from benchmarks.peers.life import highest_memory_mb, last_load_s

HOLDS_AND_GIVES_BACK = "block = bytearray(b'x' * 80_000_000); del block; print('done', flush=True); input()"


def test_the_most_memory_that_a_process_ever_held_outlives_what_it_gives_back():
    command = [sys.executable, "-c", HOLDS_AND_GIVES_BACK]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        highest, now = highest_memory_mb(process.pid), psutil.Process(process.pid).memory_info().rss / 1e6
        process.communicate("\n", timeout=20)
    assert highest > 80 > now


def test_of_a_process_that_is_gone_nothing_is_told():
    assert highest_memory_mb(2**22 + 1) == 0.0


@pytest.mark.parametrize(("told_s", "expected"), [(5.5, 5.5), (None, 0.0)])
def test_a_crawl_takes_what_the_service_says_of_its_clients(told_s, expected):
    states = [
        {"name": "internet-plans", "last_load_s": 1.0},
        {"name": "clients", "last_load_s": told_s, "size": 9},
    ]
    server: Any = SimpleNamespace(get=lambda *_: (200, json.dumps(states).encode()))
    assert last_load_s(server) == expected
