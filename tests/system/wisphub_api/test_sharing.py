"""Four workers, and two machines: one load a refresh for all, and what one writes all show.

The machines are network namespaces, each with a link to a third one, where Redis and WispHub Net are.
"""

import datetime as dt
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

KEY = "the-upstream-key"
PAGES = 3  # of the 700 clients
TTL_S = 4
PATIENCE_S = 90
"""Bounds what hangs; nothing else."""

FORWARDER = """
import asyncio, sys
port, host, there = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
async def forward(reader, writer):
    try:
        other_reader, other_writer = await asyncio.wait_for(asyncio.open_connection(host, there), 3)
    except OSError:
        writer.close()
        return
    await asyncio.gather(copy(reader, other_writer), copy(other_reader, writer), return_exceptions=True)
async def main():
    async with await asyncio.start_server(forward, '127.0.0.1', port) as server:
        await server.serve_forever()
asyncio.run(main())
"""


def until(is_so: Callable[[], object]) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)


@contextmanager
def running(command: list[str], log: Path, env: Mapping[str, str] | None = None) -> Iterator[Any]:
    """Run a process, and end it and all that it started."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


class Host:
    """A machine: this one, or a network namespace."""

    def __init__(self, name: str | None = None) -> None:
        self._prefix = ["ip", "netns", "exec", name] if name else []

    def command(self, *words: str) -> list[str]:
        return [*self._prefix, *words]

    def ask(self, port: int, path: str, *options: str, patience_s: float = 5) -> tuple[int, Any]:
        """Ask over HTTP: the status, 0 where there is no answer, and the JSON."""
        url = f"http://127.0.0.1:{port}{path}"
        words = self.command("curl", "-s", "-m", str(patience_s), "-w", "\n%{http_code}", *options, url)
        output = subprocess.run(words, capture_output=True, check=False, text=True, timeout=20).stdout
        body, _, status = output.rpartition("\n")
        return int(status or 0), json.loads(body) if body.startswith(("{", "[")) else body


class Service:
    """`wisphub-api serve` with some workers on a machine."""

    def __init__(self, host: Host, port: int, log: Path) -> None:
        self._host = host
        self._port = port
        self.log = log

    def ask(self, path: str, *options: str) -> tuple[int, Any]:
        return self._host.ask(self._port, path, *options)

    def name_of(self, service_id: int) -> set[Any]:
        """The client's name as the workers show it: they answer in turn, more or less."""
        answers = [self.ask(f"/api/v1/clients/by-service-id/{service_id}") for _ in range(12)]
        assert {status for status, _ in answers} == {200}
        return {client["name"] for _, client in answers}

    def rename(self, service_id: int, name: str) -> int:
        body = json.dumps({"name": name})
        options = ("-X", "PUT", "-H", "Content-Type: application/json", "-d", body)
        return self.ask(f"/api/v1/clients/{service_id}", *options)[0]

    def readiness(self) -> set[str]:
        """What the workers say of Redis."""
        return {str(self.ask("/health/ready")[1].get("redis")) for _ in range(12)}

    def is_ready(self) -> bool:
        return all(self.ask("/health/ready")[0] == 200 for _ in range(8))


class Upstream:
    """The simulator, how often its list of clients was read, and whether it can be."""

    def __init__(self, host: Host, port: int) -> None:
        self._host = host
        self._port = port

    def pages(self) -> int:
        requests = self._host.ask(self._port, "/_sim/stats")[1]["requests"]
        return int(requests.get("GET /api/clientes/", 0))

    @contextmanager
    def without_list(self) -> Iterator[None]:
        """Let no load bring anything: what changes meanwhile was told by another process."""
        fault = json.dumps({"kind": "status", "status": 500, "path": "/api/clientes/"})
        options = ("-H", "Content-Type: application/json")
        assert self._host.ask(self._port, "/_sim/faults", *options, "-d", fault)[0] in range(200, 300)
        yield
        assert self._host.ask(self._port, "/_sim/faults", "-X", "DELETE")[0] in range(200, 300)


def loads(*services: Service) -> list[float]:
    """When each load of the clients began, whichever worker did it, in seconds since the epoch."""
    lines = [line for service in services for line in service.log.read_text().splitlines()]
    events = [json.loads(line) for line in lines if '"clients loaded:' in line]
    return sorted(
        dt.datetime.fromisoformat(event["timestamp"]).timestamp() - float(event["event"].split()[-2])
        for event in events
    )


def check_one_load_a_refresh(upstream: Upstream, *services: Service) -> None:
    """Look at three loads: a worker that loaded for itself would come much sooner than the next refresh."""
    until(lambda: len(loads(*services)) >= 3)
    until(lambda: upstream.pages() == PAGES * len(loads(*services)))  # one may be loading
    times = loads(*services)
    assert min(later - sooner for sooner, later in itertools.pairwise(times)) >= 0.4 * TTL_S


def check_a_write_is_shown(upstream: Upstream, writer: Service, reader: Service) -> None:
    """Write at one, and look at the other."""
    with upstream.without_list():
        assert writer.rename(7, "Esperanza Renombrada") == 200
        until(lambda: reader.name_of(7) == {"Esperanza Renombrada"})


@contextmanager
def upstream_on(host: Host, logs: Path, bind: str = "127.0.0.1") -> Iterator[tuple[Upstream, int]]:
    log = logs / "upstream.log"
    options = ["--port", "0", "--host", bind, "--latency-ms", "5", "--clients", "700", "--key", KEY]
    with running(host.command(sys.executable, "-m", "wisphub_sim", *options), log):
        until(lambda: re.search(r":(\d+)\s*$", log.read_text().strip()))
        found = re.search(r":(\d+)\s*$", log.read_text().strip())
        assert found
        yield Upstream(host, int(found[1])), int(found[1])


@contextmanager
def service_on(
    host: Host, port: int, upstream_port: int, logs: Path, *, workers: int, **settings: str
) -> Iterator[Service]:
    env = {
        "WISPHUB_NET_HOST": f"http://127.0.0.1:{upstream_port}",
        "WISPHUB_NET_KEY": KEY,
        "WISPHUB_API_AUTH": "off",
        "WISPHUB_API_CLIENTS_TTL": str(TTL_S),
        **{f"WISPHUB_API_{name.upper()}": value for name, value in settings.items()},
    }
    log = logs / f"service-{port}.log"
    words = ("-m", "wisphub_api.cli", "serve", "--port", str(port), "--workers", str(workers))
    with running(host.command(sys.executable, *words), log, env):
        service = Service(host, port, log)
        until(service.is_ready)
        yield service


@pytest.mark.parametrize("share_by", ["redis", "folder"])
def test_four_workers_load_once_a_refresh_and_show_what_one_has_written(
    share_by, tmp_path, redis_server, unused_tcp_port, simulator
):
    here, upstream_port = Host(), int(simulator.url.rpartition(":")[2])
    upstream = Upstream(here, upstream_port)
    settings = {"redis_url": redis_server.url} if share_by == "redis" else {}
    with service_on(here, unused_tcp_port, upstream_port, tmp_path, workers=4, **settings) as service:
        check_one_load_a_refresh(upstream, service)
        check_a_write_is_shown(upstream, service, service)


class Network:
    """Two machines and the one between them, where Redis is."""

    def __init__(self, name: str) -> None:
        self.hub, self.left, self.right = (f"{name}-{part}" for part in ("hub", "left", "right"))

    def __enter__(self) -> Self:
        for namespace in (self.hub, self.left, self.right):
            ip("netns", "add", namespace)
            ip("-n", namespace, "link", "set", "lo", "up")
        for number, namespace in enumerate((self.left, self.right), 1):
            link = f"to-{number}"
            peer = ("type", "veth", "peer", "name", "uplink", "netns", namespace)
            ip("-n", self.hub, "link", "add", link, *peer)
            ip("-n", self.hub, "address", "add", f"10.77.{number}.1/24", "dev", link)
            ip("-n", namespace, "address", "add", f"10.77.{number}.2/24", "dev", "uplink")
            ip("-n", self.hub, "link", "set", link, "up")
            ip("-n", namespace, "link", "set", "uplink", "up")
        return self

    def __exit__(self, *_: object) -> None:
        for namespace in (self.hub, self.left, self.right):
            ip("netns", "delete", namespace, check=False)

    def cut(self, number: int) -> None:
        """Let nothing through between one machine and the others."""
        ip("-n", self.hub, "link", "set", f"to-{number}", "down")

    def mend(self, number: int) -> None:
        ip("-n", self.hub, "link", "set", f"to-{number}", "up")


def ip(*words: str, check: bool = True) -> int:
    """Call ip(8), which an account that may administer networks has; give its status."""
    command = [shutil.which("ip") or "ip", *words]
    return subprocess.run(command, check=check, timeout=20, capture_output=True).returncode


def may_make_networks() -> bool:
    """Containers without the right to administer networks cannot; this is shown where they can."""
    name = f"may-i-{os.getpid()}"
    may = ip("netns", "add", name, check=False) == 0
    ip("netns", "delete", name, check=False)
    return may


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("network")
def test_two_machines_load_once_a_refresh_and_one_that_is_cut_off_goes_on_alone(tmp_path):
    if not may_make_networks():
        pytest.skip("this account may not make network namespaces")
    with ExitStack() as stack:
        network = stack.enter_context(Network(f"fleet{os.getpid()}"))
        hub, left, right = Host(network.hub), Host(network.left), Host(network.right)
        redis = ("redis-server", "--bind", "0.0.0.0", "--requirepass", "secret", "--save", "")  # noqa: S104  # a network of its own
        stack.enter_context(running(hub.command(*redis), tmp_path / "redis.log"))
        upstream, upstream_port = stack.enter_context(upstream_on(hub, tmp_path, bind="0.0.0.0"))  # noqa: S104  # likewise
        services = []
        for number, host in enumerate((left, right), 1):
            hub_address = f"10.77.{number}.1"
            forwarder = ("-c", FORWARDER, "9000", hub_address, str(upstream_port))
            stack.enter_context(
                running(host.command(sys.executable, *forwarder), tmp_path / f"forwarder-{number}.log")
            )
            url = f"redis://:secret@{hub_address}:6379/0"
            services.append(
                stack.enter_context(service_on(host, 8000 + number, 9000, tmp_path, workers=2, redis_url=url))
            )
        ours, theirs = services

        check_one_load_a_refresh(upstream, ours, theirs)
        check_a_write_is_shown(upstream, ours, theirs)

        network.cut(2)
        until(lambda: all(state.startswith("alone: ") for state in theirs.readiness()))
        assert theirs.name_of(7) == {"Esperanza Renombrada"}
        until(lambda: ours.readiness() == {"together"})  # one late answer is no trouble: it is asked again
        assert ours.rename(8, "Escrita Mientras Tanto") == 200
        network.mend(2)
        until(lambda: theirs.readiness() == {"together"})
        until(lambda: theirs.name_of(8) == {"Escrita Mientras Tanto"})
        assert theirs.log.read_text().count("going on without Redis") < 12, "not a line a request"
        assert "secret" not in theirs.log.read_text()
