"""One file, several real processes: nobody gets more than there is."""

import subprocess
import sys
import time

HAMMER = """
import asyncio, sys
from pathlib import Path
from wisphub_api.fleet.file_store import FileStore
from wisphub_api.fleet.seal import Seal
from wisphub_api.fleet.spending import Limit

async def work():
    store = FileStore(Path(sys.argv[1]), Seal("key"))
    counts = [await store.spend([Limit("all", 10_000, 600), Limit("narrow", 180, 600)]) for _ in range(50)]
    holds = await asyncio.gather(*(store.hold("few", 600, most=7) for _ in range(20)))
    await store.close()
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
from wisphub_api.fleet.file_store import FileStore
from wisphub_api.fleet.seal import Seal
from wisphub_api.fleet.spending import Limit

async def work():
    for number in range(50):
        folder = Path(sys.argv[1]) / str(number)
        folder.mkdir(exist_ok=True)
        store = FileStore(folder, Seal("key"))
        time.sleep(max(0, float(sys.argv[2]) + number * 0.02 - time.time()))
        print((await store.spend([Limit("all", 10, 600)])).used)
        await store.close()

asyncio.run(work())
"""


def test_those_who_open_it_at_the_same_moment_count_together(tmp_path):
    found = run_four(OPEN, str(tmp_path), str(time.time() + 1))
    assert [sorted(counts) for counts in zip(*found, strict=True)] == [[1, 2, 3, 4]] * 50
