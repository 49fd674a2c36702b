"""What rounds do not show: start, crawl, a refresh under load, memory. The service alone, on all cores."""

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks.peers import wrk
from benchmarks.peers.cases import lookups
from benchmarks.peers.figures import Spread, spread
from benchmarks.peers.servers.programs import forwarded, service, simulator
from benchmarks.peers.servers.stand import READY_WITHIN_S
from loadcheck.run.server import Server, serving

KEY: Final = "key-of-this-run"
HEADERS: Final = forwarded(KEY)
LATENCY_MS: Final = 250
PAGE: Final = 300
AT_ONCE: Final = 8
PAUSE_MS: Final = 20
"""Between two requests of a connection: 32 of them ask some 1,500 times a second, which is easily carried."""
LAG: Final = "wisphub_event_loop_lag_max_seconds"
LAG_WINDOW_S: Final = 2.0
"""The gauge is the highest of so many seconds."""
CACHE: Final = "/api/v1/cache"


class Life(Struct, frozen=True, kw_only=True):
    """One service's life with so many clients.

    Attributes:
        start_s: From the start until `/health` answers.
        crawl_s: The first load of the clients; `least_crawl_s` is what its pages take at the very least.
        p99_ratio: Of how long a cached answer takes while a refresh runs to how long while none does.
        lag_ms: How late the event loop woke at most, calm and during a refresh.
        memory_mb: The most that was ever held, in 10^6 bytes.
    """

    clients: int
    start_s: Spread
    crawl_s: float
    least_crawl_s: float
    p99_ratio: Spread
    calm_p99_ms: Spread
    calm_lag_ms: Spread
    lag_ms: Spread
    memory_mb: float


class _CacheState(Struct):
    name: str
    last_load_s: float | None


class Stretch(Struct, frozen=True):
    """A stretch under load: P99 and how late the event loop woke, in ms."""

    p99_ms: float
    lag_ms: float


def live(clients: int, rounds: int, folder: Path, say: Callable[[str], None]) -> Life:
    """Start it a few times, then once more and refresh it under load, as often as there are rounds."""
    say(f"{clients:,} clients: start, crawl, refresh")
    with ExitStack() as stack:
        net = stack.enter_context(serving(simulator(clients, LATENCY_MS), logs=folder)).url
        start_s = spread([_start_s(net, folder) for _ in range(rounds)])
        program = msgspec.structs.replace(
            service(net, KEY), lag_metric=LAG, ready_within_s=READY_WITHIN_S, folder=folder
        )
        server = stack.enter_context(serving(program, logs=folder))
        crawl_s = last_load_s(server)
        ids = (str(number) for number in range(1, clients))
        asks = wrk.write_asks(lookups("by-service-id", ids, 1_000), folder / "life.asks")
        seconds = max(3.0, math.ceil(crawl_s))
        _stretch(server, asks, seconds=1.0)
        pairs = [_pair(server, asks, seconds) for _ in range(rounds)]
        return Life(
            clients=clients,
            start_s=start_s,
            crawl_s=crawl_s,
            least_crawl_s=math.ceil(clients / PAGE) / AT_ONCE * LATENCY_MS / 1_000,
            p99_ratio=spread([refreshing.p99_ms / calm.p99_ms for calm, refreshing in pairs]),
            calm_p99_ms=spread([calm.p99_ms for calm, _ in pairs]),
            calm_lag_ms=spread([calm.lag_ms for calm, _ in pairs]),
            lag_ms=spread([refreshing.lag_ms for _, refreshing in pairs]),
            memory_mb=highest_memory_mb(server.pid),
        )


def last_load_s(server: Server) -> float:
    """Return how long the last load of the clients took."""
    _, body = server.get(CACHE, HEADERS)
    states = msgspec.json.decode(body, type=list[_CacheState])
    return next(state.last_load_s or 0.0 for state in states if state.name == "clients")


def highest_memory_mb(pid: int) -> float:
    """Return the most memory that a process ever held; 0 where the system does not say."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM")), 0.0)


def _start_s(net: str, folder: Path) -> float:
    begun = time.monotonic()
    with serving(msgspec.structs.replace(service(net, KEY, "/health"), folder=folder), logs=folder):
        return time.monotonic() - begun


def _pair(server: Server, asks: Path, seconds: float) -> tuple[Stretch, Stretch]:
    """Drive it while nothing is refreshed, then while the clients are."""
    time.sleep(LAG_WINDOW_S)
    calm = _stretch(server, asks, seconds)
    time.sleep(LAG_WINDOW_S)
    server.request("DELETE", f"{CACHE}/clients", headers=HEADERS)
    return calm, _stretch(server, asks, seconds)


def _stretch(server: Server, asks: Path, seconds: float) -> Stretch:
    begun = time.time()
    drive = wrk.Drive(url=server.url, asks=asks, begin=0, seconds=seconds, headers=HEADERS, pause_ms=PAUSE_MS)
    counts, _ = wrk.run(drive)
    if problem := counts.problem(smallest_bytes=0):
        raise wrk.WrkFailed(problem)
    return Stretch(counts.p99_us / 1_000, server.usage(begun, time.time()).lag_max_ms or 0.0)
