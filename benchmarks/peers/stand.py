"""The simulator, the service and its peers as processes on free ports, stopped together in every case."""

import os
import secrets
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
import psutil

from benchmarks.peers.answers import Answer
from benchmarks.peers.bare_app import CASE
from benchmarks.peers.cases import Case
from benchmarks.peers.figures import FASTAPI, LIMIT, LITESTAR, NGINX, US
from benchmarks.peers.nginx import find_nginx, proxy
from loadcheck.run.server import Program, Server, free_port, serving
from loadcheck.run.target import HOST
from loadcheck.run.usage import Reading, read_tree

HERE = Path(__file__).parent
NET_KEY: Final = "demo-key"
NEVER_S: Final = "604800"
READY_WITHIN_S: Final = 180.0
CALM_CORES: Final = 0.1
CALM_WITHIN_S: Final = 30.0
LOOK_EVERY_S: Final = 0.1
UVICORN: Final = (
    *("--host", HOST, "--port", "{port}", "--loop", "uvloop", "--http", "httptools", "--no-access-log"),
    *("--no-server-header", "--log-level", "warning", "--app-dir", str(HERE)),
)


class Cores(msgspec.Struct, frozen=True):
    """Which core the servers run on, and which the load generator; None: wherever the system puts them."""

    server: int | None = None
    load: int | None = None

    def prefix(self) -> tuple[str, ...]:
        """Give what goes before a server's command."""
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
    """Give the servers one core and the load generator another, where there are two."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[0], usable[-1]) if len(usable) > 1 else Cores()


class Stand:
    """Everything that is measured with one number of clients, running from when it is asked for.

    Args:
        clients: How many the provider has.
        folder: Takes logs, configurations and nginx's cache.
        cores: Where it runs.
    """

    def __init__(self, clients: int, folder: Path, cores: Cores) -> None:
        self.clients = clients
        self.key = secrets.token_urlsafe(16)
        self._folder = folder
        self._cores = cores
        self._stack = ExitStack()
        self._servers: dict[str, Server] = {}
        self._net = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start_service(self) -> Server:
        """Start the simulator and, warm, the service."""
        program = simulator(self.clients, latency_ms=0)
        self._net = self._stack.enter_context(serving(program, logs=self._folder)).url
        return self._start(US, service(self._net, self.key), self._cores.prefix())

    def start_peers(self, recorded: Mapping[str, Sequence[tuple[object, ...]]]) -> None:
        """Start the others.

        Args:
            recorded: The service's answers by case, for the limit to send.
        """
        answers = self._folder / "answers.msgpack"
        answers.write_bytes(msgspec.msgpack.encode(recorded))
        self._start_app(LIMIT, "bare_app:create_app", "--factory", PEERS_ANSWERS=str(answers))
        self._start_app(LITESTAR, "litestar_app:create_app", "--factory")
        told = {
            "PEERS_NET": self._net,
            "PEERS_NET_KEY": NET_KEY,
            "PEERS_API_KEY": self.key,
            "PEERS_TTL": NEVER_S,
        }
        fastapi = self._start_app(FASTAPI, "fastapi_app:app", **told)
        self._start_app(f"{FASTAPI}, gzip", "fastapi_app:app", **told, PEERS_GZIP="on")
        if nginx := find_nginx():
            folder = self._folder / "nginx"
            folder.mkdir()
            program = proxy(nginx, f"{HOST}:{fastapi.port}", free_port(), folder)
            self._start(NGINX, program, self._cores.prefix())

    def peers(self, case: Case) -> dict[str, Server]:
        """Give who takes part in a case; the limit is told which it is."""
        is_check = case.asks[0].method == "POST"
        fastapi = f"{FASTAPI}, gzip" if case.coding == "gzip" else FASTAPI
        names = {US: US, LIMIT: LIMIT, FASTAPI: fastapi}
        names |= {LITESTAR: LITESTAR} if is_check else {NGINX: NGINX}  # nothing caches a POST
        return {name: self._servers[key] for name, key in names.items() if key in self._servers}

    def choose(self, case: Case) -> None:
        """Tell the limit what to send."""
        status, _ = self._servers[LIMIT].request("PUT", f"{CASE}{case.slug}")
        if status != 204:  # noqa: PLR2004  # no content: it has the answers
            raise RuntimeError(f"the bare app has no answers for {case.name}: {status}")

    def readings(self, server: Server) -> list[Reading]:
        """Read what a server has spent; nginx with what it stands in front of."""
        behind = [self._servers[FASTAPI]] if server is self._servers.get(NGINX) else []
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

    def _start_app(self, name: str, app: str, *options: str, **env: str) -> Server:
        command = (sys.executable, "-m", "uvicorn", app, *UVICORN, *options)
        file = name.lower().replace(", ", "-").replace(" ", "-")
        return self._start(name, Program(name=file, command=command, env=env), self._cores.prefix())

    def _start(self, name: str, program: Program, prefix: tuple[str, ...]) -> Server:
        placed = msgspec.structs.replace(
            program, command=(*prefix, *program.command), folder=self._folder, ready_within_s=READY_WITHIN_S
        )
        self._servers[name] = self._stack.enter_context(serving(placed, logs=self._folder))
        return self._servers[name]


def simulator(clients: int, latency_ms: int) -> Program:
    """Give WispHub Net's stand-in."""
    words = (f"--clients={clients}", f"--latency-ms={latency_ms}", "--seed=1", f"--key={NET_KEY}")
    command = (sys.executable, "-m", "wisphub_sim", "--port={port}", *words)
    return Program(name="simulator", command=command, ready_path="/_sim/stats")


def service(net: str, key: str, ready_path: str = "/health/ready") -> Program:
    """Give the service as it is run: one worker, keys asked for, metrics on, nothing refreshed meanwhile."""
    return Program(
        name="wisphub-api",
        command=(sys.executable, "-m", "wisphub_api.cli", "serve", "--port={port}", "--workers=1"),
        ready_path=ready_path,
        env={
            "WISPHUB_NET_HOST": net,
            "WISPHUB_NET_KEY": NET_KEY,
            "WISPHUB_API_KEYS": f"peers:{key}",
            "WISPHUB_API_CLIENTS_TTL": NEVER_S,
            "WISPHUB_API_PLANS_TTL": NEVER_S,
            "WISPHUB_API_PAYMENT_METHODS_TTL": NEVER_S,
        },
    )


def recorded(case: Case, answers: Sequence[Answer]) -> list[tuple[object, ...]]:
    """Write a case's answers down for the limit."""
    return [answer.recorded(ask.path) for ask, answer in zip(case.known, answers, strict=True)]
