"""Workers as processes: nothing is lost while they end, die, and are replaced in turn."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from click.testing import CliRunner, Result

from wisphub_api.cli import main

PATIENCE_S = 30
CALLERS = 16
SEARCH = b"GET /api/v1/clients/search?q=Esperanza HTTP/1.1\r\nHost: service\r\nX-API-Key: the-key\r\n\r\n"


class Service:
    """`wisphub-api serve` as a process on a free port, and what it wrote."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.log = log

    def caller(self, **options: Any) -> httpx.Client:
        """Give a caller with a key."""
        return httpx.Client(base_url=self.url, headers={"X-API-Key": "the-key"}, timeout=20, **options)

    def workers(self) -> set[int]:
        """The ids of the processes that it started and that run."""
        children = psutil.Process(self.process.pid).children()
        return {child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE}

    def said(self, words: str) -> int:
        """How many of its lines hold these words."""
        return sum(words in line for line in self.log.read_text().splitlines())

    def is_ready(self) -> bool:
        """Whether it answers, and says that it is warm; whichever worker is asked."""
        return self.ready_worker() is not None

    def ready_worker(self) -> str | None:
        """What tells the worker that answered from the others, if it is warm: how its request ids begin."""
        try:
            answer = httpx.get(f"{self.url}/health/ready")
        except httpx.TransportError:
            return None
        return answer.headers["X-Request-ID"][:20] if answer.status_code == 200 else None

    def are_ready(self, workers: int) -> bool:
        """Whether so many say that they are warm, and none that it is not; each may answer several times."""
        answers = [self.ready_worker() for _ in range(8 * workers)]
        return None not in answers and len(set(answers)) == workers


def until(is_so: Callable[[], object]) -> None:
    """Wait for something another process does."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


Start = Callable[..., AbstractContextManager[Service]]


@pytest.fixture
def start(tmp_path: Path, settings: Any) -> Start:
    """Start the service, its settings in a file; it has ended when the context ends."""
    lines = (
        f"WISPHUB_NET_HOST={settings.net_host}",
        f"WISPHUB_NET_KEY={settings.net_key.reveal()}",
        "WISPHUB_API_KEYS=bot:the-key",
        "WISPHUB_API_CLIENTS_TTL=1",
    )

    @contextmanager
    def started(*, workers: int = 2, **environ: str) -> Iterator[Service]:
        (tmp_path / ".env").write_text("\n".join(lines))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log = tmp_path / "serve.log"
        command = [sys.executable, "-m", "wisphub_api.cli", "serve", f"--port={port}", f"--workers={workers}"]
        env = {name: value for name, value in os.environ.items() if not name.startswith("WISPHUB")}
        env["TMPDIR"] = str(tmp_path)  # who is killed leaves its folder behind
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=tmp_path, env=env | environ, stdout=output, stderr=output, start_new_session=True
            )
        service = Service(process, port, log)
        try:
            until(lambda: service.are_ready(workers))
            if workers > 1:  # until its supervisor knows that, the death of one ends the service
                until(lambda: service.said(f"all {workers} workers are up"))
            yield service
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            finally:
                for process_id in service.workers() if process.poll() is None else ():
                    os.kill(process_id, signal.SIGKILL)
                process.kill()
                process.wait(5)

    return started


class Caller:
    """Asks again and again on a kept connection, without a pause: there is always a request on its way."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).hostname, urlsplit(url).port
        self.heads: list[bytes] = []
        self.lost = 0

    async def call_until(self, is_over: asyncio.Event) -> None:
        while not is_over.is_set():
            reader, writer = await asyncio.open_connection(*self._address)
            with suppress(ConnectionError):
                while not is_over.is_set() and await self._ask(reader, writer):
                    pass
            writer.close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Ask once; false where the connection is not to be used again."""
        writer.write(SEARCH)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length: ")[2].split()[0]))
        except (ConnectionError, asyncio.IncompleteReadError):
            self.lost += 1
            return False
        self.heads.append(head)
        return b"connection: close" not in head


class Calls:
    """What several callers were told while something came to pass."""

    def __init__(self, callers: list[Caller]) -> None:
        self.heads = [head for caller in callers for head in caller.heads]
        self.lost = sum(caller.lost for caller in callers)

    def not_from_memory(self) -> list[bytes]:
        return [head for head in self.heads if b" 200 ok" not in head or b"fwd=miss" in head]


async def calling_until(url: str, is_so: Callable[[], object]) -> Calls:
    is_over = asyncio.Event()
    callers = [Caller(url) for _ in range(CALLERS)]
    async with asyncio.TaskGroup() as group:
        for caller in callers:
            group.create_task(caller.call_until(is_over))
        await asyncio.to_thread(until, is_so)
        is_over.set()
    return Calls(callers)


async def test_a_rolling_restart_loses_no_request_and_lets_none_wait(start, simulator):
    with start() as service:
        before = service.workers()
        simulator.fail(kind="hang", seconds=0.5, path="/api/clientes/")
        service.process.send_signal(signal.SIGHUP)
        calls = await calling_until(service.url, lambda: service.said("all workers are new"))
        after = service.workers()
    assert len(calls.heads) > 100
    assert calls.lost == 0
    assert calls.not_from_memory() == []
    assert len(after) == 2
    assert not after & before


async def test_a_killed_worker_costs_its_callers_a_request_and_is_replaced(start):
    with start() as service:
        killed = min(service.workers())

        def is_replaced() -> bool:
            return killed not in service.workers() and len(service.workers()) == 2

        os.kill(killed, signal.SIGKILL)
        calls = await calling_until(service.url, is_replaced)
        until(lambda: service.said("Application startup complete") == 3)
        later = await calling_until(service.url, lambda: True)
    assert calls.lost <= CALLERS
    assert later.lost == 0
    assert calls.not_from_memory() + later.not_from_memory() == []
    assert service.said(f"worker {killed} ended (-9), the next starts in 0 s") == 1


def test_settings_that_are_broken_meanwhile_stop_the_rolling_restart_and_nothing_else(start, tmp_path):
    with start() as service:
        before = service.workers()
        (tmp_path / ".env").write_text("WISPHUB_NET_HOST=nonsense")
        service.process.send_signal(signal.SIGHUP)
        until(lambda: service.said("rolling restart stopped"))
        until(lambda: service.workers() == before)  # the one that was tried has gone
        assert service.said("WISPHUB_NET_HOST is 'nonsense'") == 1
        assert service.is_ready()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_request_under_way_is_answered_before_the_service_ends(start, simulator, workers):
    simulator.fail(kind="hang", seconds=1.5, path="/api/tickets/*")
    with start(workers=workers) as service, service.caller() as caller:
        answer = asyncio.run(answered_while_told_to_stop(service, caller, simulator))
        status = service.process.wait(PATIENCE_S)
    assert answer.status_code == 200
    assert answer.headers["Connection"] == "close"
    assert status in {0, -signal.SIGTERM}


async def answered_while_told_to_stop(service, caller, simulator) -> httpx.Response:
    ticket = asyncio.create_task(asyncio.to_thread(caller.get, "/api/v1/tickets/5001"))
    await asyncio.to_thread(until, lambda: simulator.requests().get("GET /api/tickets/{id}/"))
    service.process.terminate()
    answer: httpx.Response = await ticket
    return answer


@pytest.mark.parametrize("workers", [1, 2])
def test_who_asks_on_an_open_connection_is_answered_once_more(start, workers):
    with start(workers=workers) as service, service.caller() as caller, service.caller() as watcher:
        assert caller.get("/api/v1/internet-plans/").headers.get("Connection") != "close"
        until(lambda: watcher.get("/health/ready").status_code == 200)
        service.process.terminate()
        until(lambda: service.said("Shutting down") == workers)
        assert watcher.get("/health/ready").status_code == 503
        answer = caller.get("/api/v1/internet-plans/")
        service.process.wait(PATIENCE_S)
    assert answer.status_code == 200
    assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_signal_ends_the_service_at_once(start, simulator, workers):
    simulator.fail(kind="hang", path="/api/tickets/*")
    with start(workers=workers) as service, service.caller() as caller:
        with pytest.raises(httpx.TransportError):
            asyncio.run(lost_by_a_second_signal(service, caller, simulator))
        assert service.process.wait(5) in {0, -signal.SIGTERM}


async def lost_by_a_second_signal(service, caller, simulator) -> None:
    ticket = asyncio.create_task(asyncio.to_thread(caller.get, "/api/v1/tickets/5001"))
    await asyncio.to_thread(until, lambda: simulator.requests().get("GET /api/tickets/{id}/"))
    for _ in range(2):
        service.process.terminate()
        await asyncio.sleep(0.3)
    await ticket


def test_a_long_poll_ends_with_what_is_known_when_the_service_stops(start, simulator):
    simulator.fail(kind="hang", path="/api/tasks/*")
    with start(workers=1) as service, service.caller() as caller:
        path = caller.post("/api/v1/network/7/ping/").headers["Location"]
        begun = time.monotonic()
        answer = asyncio.run(polled_while_told_to_stop(service, caller, simulator, f"{path}?wait=30"))
        assert time.monotonic() - begun < 15
    assert answer.json()["status"] == "pending"


async def polled_while_told_to_stop(service, caller, simulator, path) -> httpx.Response:
    poll = asyncio.create_task(asyncio.to_thread(caller.get, path))
    await asyncio.to_thread(until, lambda: simulator.requests().get("GET /api/tasks/{task_id}/"))
    service.process.terminate()
    answer: httpx.Response = await poll
    return answer


def test_workers_do_not_outlive_their_supervisor(start):
    with start() as service:
        workers = [psutil.Process(process_id) for process_id in service.workers()]
        service.process.kill()
        _, alive = psutil.wait_procs(workers, timeout=PATIENCE_S)
        assert alive == []


def test_workers_share_a_folder_of_their_own_that_goes_with_the_service(start, tmp_path):
    with start() as service:
        folder = folder_of(service)
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def folder_of(service: Service) -> Path:
    """Where the workers were told to share what they have read."""
    environ = psutil.Process(min(service.workers())).environ()
    assert environ["WISPHUB_API_WORKERS"] == "2"
    return Path(environ["WISPHUB_API_SNAPSHOT_DIR"])


def test_a_folder_that_is_given_is_taken(start, tmp_path):
    with start(WISPHUB_API_SNAPSHOT_DIR=str(tmp_path)) as service:
        assert folder_of(service) == tmp_path


def test_a_port_that_is_taken_is_told(start, tmp_path):
    with start() as service:
        port = service.url.rpartition(":")[2]
        command = [sys.executable, "-m", "wisphub_api.cli", "serve", f"--port={port}", "--workers=2"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "choose another with --host or --port" in done.stderr


@pytest.fixture
def invoke(monkeypatch, settings) -> Callable[[], Result]:
    """Serve with two workers from this very process."""
    monkeypatch.setenv("WISPHUB_NET_HOST", settings.net_host)
    monkeypatch.setenv("WISPHUB_NET_KEY", "hush")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return lambda: CliRunner().invoke(main, ["serve", f"--port={port}", "--workers=2"])


def test_a_service_whose_workers_cannot_start_ends(invoke, monkeypatch):
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    assert invoke().exit_code == 1


def test_a_system_without_the_signals_is_told_of(invoke, monkeypatch):
    monkeypatch.delattr(signal, "SIGHUP")
    result = invoke()
    assert result.exit_code == 1
    assert "more than one worker cannot be had on this system" in result.stderr


def test_lines_of_the_supervisor_look_like_all_others(start):
    with start() as service:
        service.process.send_signal(signal.SIGHUP)
        until(lambda: service.said("all workers are new"))
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    assert {line["logger"] for line in lines} >= {"wisphub_api.workers", "uvicorn.error"}
