"""A folder as the shelf of one machine's processes, of which some are killed."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wisphub_api.fleet.file_shelf import FileShelf
from wisphub_api.fleet.shelf import Sealed

HOLDS_A_LOCK = """
import fcntl, os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""
WRITES_FOR_EVER = """
import asyncio, pathlib, sys
from wisphub_api.fleet.file_shelf import FileShelf
from wisphub_api.fleet.shelf import Sealed

async def main():
    shelf, tag, number = FileShelf(pathlib.Path(sys.argv[1])), "", 0.0
    while True:
        number += 1
        tag = await shelf.put("things", Sealed(number, b"%d " % number * 400_000), tag)
        print(number, tag, flush=True)

asyncio.run(main())
"""


@contextmanager
def running(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program until the block ends, at the latest."""
    command = [sys.executable, "-c", program, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        assert process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


@pytest.fixture
def shelf(tmp_path) -> FileShelf:
    return FileShelf(tmp_path)


async def test_a_writer_killed_at_any_time_leaves_a_whole_copy_that_can_be_replaced(shelf, tmp_path):
    for round_s in (0.0, 0.003, 0.01, 0.02):
        tag = shelf.tag("things")
        assert tag or round_s == 0.0
        (tmp_path / "things.copy").unlink(missing_ok=True)
        with running(WRITES_FOR_EVER, str(tmp_path)) as writer:
            await asyncio.sleep(round_s)
            writer.send_signal(signal.SIGKILL)
        found = await shelf.newest("things", "")
        assert found is not None
        numbers = set(found.content.split())
        assert len(numbers) == 1
        assert found.content == numbers.pop() + b" " + found.content[len(found.content.split()[0]) + 1 :]
        assert len(found.content.split()) == 400_000
        assert await shelf.put("things", Sealed(time.time(), b"new"), found.tag)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["things.copy", "things.lock"]


async def test_a_turn_ends_with_the_process_that_has_it(shelf, tmp_path):
    with running(HOLDS_A_LOCK, str(tmp_path / "things.turn")) as process:
        async with shelf.turn("things") as is_ours:
            assert not is_ours
        process.kill()
        process.wait(10)
        async with shelf.turn("things") as is_ours:
            assert is_ours
