"""What a directory takes: memory, time, the longest that the event loop waits, and for a first search.

Each number of clients is measured in a process of its own, which reads them in pages, as a crawl does, builds
a snapshot, and another beside it of which every client has changed. Then it is searched for what nobody asked
before, as people ask: each search once. Run: python footprint.py 50000 500000
"""

import asyncio
import gc
import random
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

import wisphub_api.app  # noqa: F401  # the memory of a service that has loaded nothing
from wisphub_api.clients.models import Client
from wisphub_api.clients.snapshot.builder import SnapshotBuilder
from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.clients.snapshot.records import NO_RECORDS, ClientRow, Records
from wisphub_api.clients.upstream import ClientWire, to_client_row
from wisphub_api.memory import give_back_what_is_freed
from wisphub_api.upstream.wire import PageReader
from wisphub_sim.data.records import client_record

PAGE = 300
SEARCHED = 500
SHORTEST = "two letters"
QUERIES: dict[str, Callable[[Client], str]] = {
    "a whole name": lambda client: f"{client.name}",
    "part of a name": lambda client: f"{client.name}"[2:8],
    "two parts of a name": lambda client: " ".join(word[:3] for word in f"{client.name}".split()[:2][::-1]),
    "a document": lambda client: f"{client.document}",
    "part of a number": lambda client: f"{client.document}"[2:7],
    SHORTEST: lambda client: f"{client.name}"[:2],
}
LOOK_S = 0.0005


def memory_mb(kind: str) -> int:
    """Read `VmRSS` (now) or `VmHWM` (the most there was)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) >> 10


class Lag:
    """The longest that the event loop was kept waiting."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        self.longest_s = 0.0
        watching = asyncio.create_task(self._watch())
        await asyncio.sleep(0.01)
        yield
        watching.cancel()

    async def _watch(self) -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(LOOK_S)
            self.longest_s = max(self.longest_s, time.perf_counter() - begun - LOOK_S)


def built(size: int, comment: str, known: Records) -> Records:
    builder, read = SnapshotBuilder(known), PageReader(ClientWire, to_client_row)
    for begin in range(1, size + 1, PAGE):
        ids = range(begin, min(begin + PAGE, size + 1))
        rows = [client_record(1, service_id) | {"ciudad": comment} for service_id in ids]
        page: Any = read(msgspec.json.encode({"count": size, "results": rows}))
        kept: list[ClientRow] = [row for row in page.rows if row is not None]
        builder.extend(kept)
    return builder.build()


async def measure(size: int) -> None:
    lag = Lag()
    give_back_what_is_freed()
    gc.collect()
    gc.freeze()
    base = memory_mb("VmRSS")
    directory: Directory | None = None
    for city in ("Ibagué", "Tunja"):
        records = await asyncio.to_thread(built, size, city, directory.known if directory else NO_RECORDS)
        begun, used = time.perf_counter(), time.process_time()
        async with lag.watched():
            anew = await asyncio.to_thread(Directory, records)
        took, cpu = time.perf_counter() - begun, time.process_time() - used
        directory, records = anew, NO_RECORDS
        del anew
    now_mb, most_mb = memory_mb("VmRSS"), memory_mb("VmHWM")
    kept_ms = lag.longest_s * 1e3
    sys.stdout.write(
        f"{size:>9,} clients: built in {took:.2f} s ({cpu:.2f} s of CPU), loop held up {kept_ms:.1f} ms;"
        f" {base} MB before, {now_mb} MB with one snapshot, {most_mb} MB with two\n"
    )
    for kind, times_ms in first_searches(directory):
        sys.stdout.write(
            f"{'':>9} {kind}: P50 {quantile(times_ms, 50):.2f} ms, P95 {quantile(times_ms, 95):.2f} ms\n"
        )


def first_searches(directory: Directory | None) -> Iterator[tuple[str, list[float]]]:
    """Search for some hundred clients in each way; the bytes of the answers included."""
    assert directory is not None
    draw = random.Random(1)  # noqa: S311  # the same in every run
    found = map(directory.by_service_id, draw.sample(range(1, len(directory) + 1), SEARCHED))
    clients = [client for client in found if client and client.name and client.document]
    every: list[float] = []
    for kind, query in QUERIES.items():
        times_ms = [took_ms(directory, query(client)) for client in clients]
        every += times_ms if kind != SHORTEST else []
        yield kind, times_ms
    yield f"all but {SHORTEST}", every


def took_ms(directory: Directory, query: str) -> float:
    begun = time.perf_counter()
    directory.search(query, None, 0)
    return (time.perf_counter() - begun) * 1e3


def quantile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def main() -> None:
    """Measure the numbers of clients given, each in its own process."""
    if len(sys.argv) == 2:
        asyncio.run(measure(int(sys.argv[1])))
        return
    for size in sys.argv[1:]:
        subprocess.run([sys.executable, __file__, size], check=True)


if __name__ == "__main__":
    main()
