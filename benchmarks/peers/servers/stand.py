"""The simulator, the service and its peers as processes on free ports, stopped together in every case.

The service runs as docs/operations.md advises: keys, allowed hosts, a rate limit, metrics, the log's sample,
and traces of which one in a hundred is sampled and sent to a collector that drops them. Requests look as
nginx forwards them. What the service asks (Redis, the collector, the simulator) runs on the load generator's
core, and its CPU time is not the service's.
"""

import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
import psutil

from benchmarks.peers.answers import Answer
from benchmarks.peers.cases import CACHED, Case
from benchmarks.peers.figures import (
    FASTAPI,
    FLOOR,
    GRANIAN,
    LIMIT,
    LITESTAR,
    NGINX,
    RECORDED,
    TWO_WORKERS,
    US,
    VARNISH,
    WITH_REDIS,
)
from benchmarks.peers.servers.bare_app import CASE
from benchmarks.peers.servers.collector import collecting
from benchmarks.peers.servers.programs import (
    bare_app,
    bare_app_on_granian,
    fastapi_app,
    floor,
    forwarded,
    litestar_app,
    redis_server,
    service,
    simulator,
    traced,
)
from benchmarks.peers.servers.proxies import find_proxy, nginx, varnish
from loadcheck.run.server import Program, Server, free_port, serving
from loadcheck.run.usage import Reading, read_tree

READY_WITHIN_S: Final = 180.0
CALM_CORES: Final = 0.1
CALM_WITHIN_S: Final = 30.0
LOOK_EVERY_S: Final = 0.1
FASTAPI_GZIP: Final = f"{FASTAPI}, gzip"
ONLY: Final = {
    TWO_WORKERS: (*CACHED, "verify"),
    WITH_REDIS: ("by service id", "verify"),
    LITESTAR: ("verify",),
}
"""The cases of who takes part in some only."""
NEEDS: Final = {
    NGINX: ("nginx", "nginx-light"),
    VARNISH: ("varnishd", "varnish"),
    FLOOR: ("gcc", "gcc"),
    WITH_REDIS: ("redis-server", "redis-server"),
}
"""The program that a server needs, and Debian's package."""


class Cores(msgspec.Struct, frozen=True):
    """Which core the servers run on, and which the load generator; None: wherever the system puts them."""

    server: int | None = None
    load: int | None = None

    def prefix(self) -> tuple[str, ...]:
        """Return what goes before a server's command."""
        return () if self.server is None else ("taskset", "--cpu-list", str(self.server))

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Keep this process, and what it starts meanwhile, on the load generator's core."""
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, before if self.load is None else {self.load})
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)


def two_cores() -> Cores:
    """Return one core for the servers and another for the load generator, where there are two."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[0], usable[-1]) if len(usable) > 1 else Cores()


class Stand:
    """Everything that is measured with one number of clients; each server runs from when it is started.

    Args:
        clients: How many the provider has.
        folder: Takes logs, configurations and nginx's cache.
        cores: Where it runs.

    Attributes:
        headers: Of a request as nginx forwards it; wrk replaces its X-Request-ID.
    """

    def __init__(self, clients: int, folder: Path, cores: Cores) -> None:
        self.clients = clients
        self.key = secrets.token_urlsafe(16)
        self.headers = {**forwarded(self.key), "User-Agent": "python-httpx/0.28.1", "Accept": "*/*"}
        self._folder = folder
        self._cores = cores
        self._stack = ExitStack()
        self._servers: dict[str, Server] = {}
        self._net = ""
        self._traces: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start_service(self) -> Server:
        """Start the simulator, the collector and, warm, the service."""
        self._net = self._beside(simulator(self.clients, latency_ms=0)).url
        self._traces = traced(self._stack.enter_context(collecting()).url)
        return self._start(US, self._service())

    def start_peers(self, recorded: Mapping[str, Sequence[tuple[str, Answer]]], wanted: set[str]) -> None:
        """Start those of the others that are wanted and installed.

        Args:
            recorded: By case, each target that is asked for and the service's answer, to be sent as it is.
            wanted: The names of those who take part in any case.
        """
        wanted -= {name for name, _ in missing_programs()}
        if TWO_WORKERS in wanted:
            self._start(TWO_WORKERS, self._service(workers=2))
        if WITH_REDIS in wanted:
            redis = self._beside(redis_server())
            self._start(WITH_REDIS, self._service(WISPHUB_API_REDIS_URL=redis.url.replace("http", "redis")))
        self._start_recorded(recorded, wanted & RECORDED)
        if LITESTAR in wanted:
            self._start(LITESTAR, litestar_app())
        self._start_fastapi(wanted)

    def peers(self, case: Case) -> dict[str, Server]:
        """Return who takes part in a case, of those that run."""
        fastapi = FASTAPI_GZIP if case.coding == "gzip" else FASTAPI
        keys = {name: fastapi if name == FASTAPI else name for name in takers(case)}
        return {name: self._servers[key] for name, key in keys.items() if key in self._servers}

    def choose(self, case: Case) -> None:
        """Let those who send recorded answers send those of a case."""
        for name in RECORDED & self._servers.keys():
            status, _ = self._servers[name].request("PUT", f"{CASE}{case.slug}")
            if status != 204:  # noqa: PLR2004  # no content: it has the answers
                raise RuntimeError(f"{name} has no answers for {case.name}: {status}")

    def readings(self, server: Server) -> list[Reading]:
        """Read what a server has spent; a proxy with what it stands in front of."""
        is_proxy = any(server is self._servers.get(name) for name in (NGINX, VARNISH))
        behind = [self._servers[FASTAPI]] if is_proxy else []
        return [read_tree(psutil.Process(each.pid)) for each in (server, *behind)]

    def wait_until_calm(self) -> None:
        """Wait until no server works on what was asked of it: requests outlive those who ask."""
        deadline = time.monotonic() + CALM_WITHIN_S
        before_s = self._spent_s()
        while time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)
            now_s = self._spent_s()
            if now_s - before_s < CALM_CORES * LOOK_EVERY_S * len(self._servers):
                return
            before_s = now_s

    def _spent_s(self) -> float:
        return sum(read_tree(psutil.Process(each.pid)).cpu_s for each in self._servers.values())

    def _service(self, workers: int = 1, **settings: str) -> Program:
        program = service(self._net, self.key, workers=workers)
        return msgspec.structs.replace(program, env={**program.env, **self._traces, **settings})

    def _start_recorded(self, recorded: Mapping[str, Sequence[tuple[str, Answer]]], wanted: set[str]) -> None:
        """Start who sends the service's own bytes."""
        answers = self._folder / "answers.msgpack"
        answers.write_bytes(
            msgspec.msgpack.encode(
                {case: [answer.recorded(path) for path, answer in each] for case, each in recorded.items()}
            )
        )
        self._start(LIMIT, bare_app(answers))
        if GRANIAN in wanted:
            self._start(GRANIAN, bare_app_on_granian(answers))
        if FLOOR in wanted:
            self._start(FLOOR, floor(recorded, self._folder))

    def _start_fastapi(self, wanted: set[str]) -> None:
        """Start the FastAPI service with and without compression, and what stands before it."""
        fastapi = self._start(FASTAPI, fastapi_app(self._net, self.key))
        if FASTAPI_GZIP in wanted:
            self._start(FASTAPI_GZIP, fastapi_app(self._net, self.key, gzip="on"))
        if NGINX in wanted:
            folder = self._new_folder("nginx")
            self._start(NGINX, nginx(find_proxy("nginx") or "", fastapi.port, free_port(), folder))
        if VARNISH in wanted:
            folder = self._new_folder("varnish")
            self._start(VARNISH, varnish(find_proxy("varnishd") or "", fastapi.port, folder))

    def _new_folder(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder

    def _beside(self, program: Program) -> Server:
        """Start what is not measured."""
        return self._stack.enter_context(serving(program, logs=self._folder))

    def _start(self, name: str, program: Program) -> Server:
        """Start a server on its core; its log is named after it."""
        placed = msgspec.structs.replace(
            program,
            name=name.lower().replace(", ", "-").replace(" ", "-"),
            command=(*self._cores.prefix(), *program.command),
            folder=self._folder,
            ready_within_s=READY_WITHIN_S,
        )
        self._servers[name] = self._beside(placed)
        return self._servers[name]


def takers(case: Case) -> list[str]:
    """Return the names of those who take part in a case; nothing caches a POST."""
    proxies = [] if case.asks[0].method == "POST" else [NGINX, VARNISH]
    some = [name for name, cases in ONLY.items() if case.name in cases]
    return [US, LIMIT, GRANIAN, FLOOR, FASTAPI, *some, *proxies]


def wanted(cases: Sequence[Case]) -> set[str]:
    """Return the names of all servers that cases need."""
    gzip = {FASTAPI_GZIP} if any(case.coding == "gzip" for case in cases) else set()
    return gzip.union(*(takers(case) for case in cases))


def missing_programs() -> list[tuple[str, str]]:
    """Return who cannot be started here, and Debian's package of what it needs."""
    return [(name, package) for name, (program, package) in NEEDS.items() if find_proxy(program) is None]
