"""One file, several real processes: nobody gets more than there is."""

import asyncio
import subprocess
import sys
import time

from wisphub_api.shared.backend import Snapshot
from wisphub_api.shared.sqlite import SqliteBackend

HAMMER = """
import asyncio, sys
from pathlib import Path
from wisphub_api.shared.spending import Limit
from wisphub_api.shared.sqlite import SqliteBackend

async def work():
    store = SqliteBackend(Path(sys.argv[1]))
    counts = [await store.spend([Limit("all", 10_000, 600), Limit("narrow", 180, 600)]) for _ in range(50)]
    holds = await asyncio.gather(*(store.lease("few", 600, most=7) for _ in range(20)))
    await store.__aexit__()
    granted = sum(count.is_granted for count in counts)
    print(max(count.used for count in counts), granted, sum(hold is not None for hold in holds))

asyncio.run(work())
"""


def run_four(script: str, *arguments: str) -> list[tuple[int, ...]]:
    command = [sys.executable, "-c", script, *arguments]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    try:
        return [tuple(map(int, process.communicate(timeout=60)[0].split())) for process in processes]
    finally:
        for process in processes:
            process.kill()


def test_four_processes_lose_no_count_exceed_no_limit_and_take_no_place_twice(tmp_path):
    found = run_four(HAMMER, str(tmp_path))
    assert max(count for count, _, _ in found) == 180
    assert sum(granted for _, granted, _ in found) == 180
    assert sum(holds for _, _, holds in found) == 7


OPEN = """
import asyncio, sys, time
from pathlib import Path
from wisphub_api.shared.spending import Limit
from wisphub_api.shared.sqlite import SqliteBackend

async def work():
    for number in range(50):
        folder = Path(sys.argv[1]) / str(number)
        folder.mkdir(exist_ok=True)
        store = SqliteBackend(folder)
        time.sleep(max(0, float(sys.argv[2]) + number * 0.02 - time.time()))
        print((await store.spend([Limit("all", 10, 600)])).used)
        await store.__aexit__()

asyncio.run(work())
"""


def test_those_who_open_it_at_the_same_moment_count_together(tmp_path):
    found = run_four(OPEN, str(tmp_path), str(time.time() + 1))
    assert [sorted(counts) for counts in zip(*found, strict=True)] == [[1, 2, 3, 4]] * 50


WRITES_FOR_EVER = """
import asyncio, pathlib, sys
from wisphub_api.shared.backend import Snapshot
from wisphub_api.shared.sqlite import SqliteBackend

async def main():
    backend, tag, number = SqliteBackend(pathlib.Path(sys.argv[1])), "", 0
    while True:
        number += 1
        content = b"%d " % number * 400_000
        async def give():
            return content
        tag = await backend.put_snapshot("things", Snapshot(float(number), b"head", str(number), give), tag)
        print(number, tag, flush=True)

asyncio.run(main())
"""


def test_a_writer_killed_at_any_time_leaves_a_whole_snapshot_that_can_be_replaced(tmp_path):
    async def find() -> None:
        async def give() -> bytes:
            return b"new"

        backend = SqliteBackend(tmp_path)
        found = await backend.newest("things", "", "")
        assert found is not None
        numbers = (found.content or b"").split()
        assert (len(numbers), set(numbers)) == (400_000, {found.content_tag.encode()})
        assert await backend.put_snapshot("things", Snapshot(time.time(), b"head", "new", give), found.tag)
        await backend.__aexit__()

    for round_s in (0.0, 0.003, 0.01, 0.02):
        for file in tmp_path.iterdir():
            file.unlink()
        command = [sys.executable, "-c", WRITES_FOR_EVER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout
            assert writer.stdout.readline()
            time.sleep(round_s)
            writer.kill()
        asyncio.run(find())
