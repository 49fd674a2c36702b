"""What processes hold, whatever they gave back."""

import subprocess
import sys

import psutil

from benchmarks.peers.life import highest_memory_mb

HOLDS_AND_GIVES_BACK = "block = bytearray(b'x' * 80_000_000); del block; print('done', flush=True); input()"


def test_the_most_memory_that_a_process_ever_held_outlives_what_it_gives_back():
    command = [sys.executable, "-c", HOLDS_AND_GIVES_BACK]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        highest, now = highest_memory_mb(process.pid), psutil.Process(process.pid).memory_info().rss / 1e6
        process.communicate("\n", timeout=60)
    assert highest > 80 > now
