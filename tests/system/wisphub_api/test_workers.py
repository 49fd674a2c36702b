"""Workers as processes: nothing is lost while they end, die, and are replaced in turn."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from wisphub_api.web.server.draining_server import STOP_WAIT_S

PATIENCE_S = 60
"""Bounds what hangs; nothing else."""
CALLERS = 16
PAUSE_S = 0.05
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Made once: httpx would read all certificates for each caller."""
POLL_S = 30
SEARCH = b"GET /api/v1/clients/search?q=Esperanza HTTP/1.1\r\nHost: service\r\nX-API-Key: the-key\r\n\r\n"


class Service:
    """`wisphub-api serve` as a process on a free port, and what it wrote."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.settings = folder / ".env"
        self.log = folder / "serve.log"

    def caller(self, **headers: str) -> httpx.Client:
        """Return a caller with a key."""
        headers = {"X-API-Key": "the-key"} | headers
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE_S, verify=NO_TLS)

    def workers(self) -> set[int]:
        """Return the ids of the processes that it started and that run."""
        children = psutil.Process(self.process.pid).children()
        return {child.pid for child in children if is_worker(child)}

    def said(self, words: str) -> int:
        """Count its lines that hold these words."""
        return sum(words in line for line in self.log.read_text().splitlines())

    def has_two_workers(self, *, other_than: set[int]) -> bool:
        """Return whether two workers run, and none of those."""
        return len(workers := self.workers()) == 2 and not workers & other_than

    def are_ready(self, workers: int) -> bool:
        """Return whether so many say that they are warm, and none that it is not.

        Each may answer several times; how its request ids begin tells one from the other.
        """
        with self.caller(Connection="close") as caller:
            try:
                answers = [caller.get("/health/ready") for _ in range(8 * workers)]
            except httpx.TransportError:
                return False
        is_each = len({answer.headers["X-Request-ID"][:20] for answer in answers}) == workers
        return is_each and {answer.status_code for answer in answers} == {200}


def is_worker(process: psutil.Process) -> bool:
    """Return whether a child is a worker that runs, and not the tracker that `multiprocessing` starts."""
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return any("spawn_main" in word for word in process.cmdline())
    return False


def until(is_so: Callable[[], object]) -> None:
    """Wait for something another process does."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)


@contextmanager
def starting(folder: Path, upstream: str, *, workers: int = 2, **environ: str) -> Iterator[Service]:
    """Start the service, its settings in a file; it has ended when the context ends."""
    lines = (
        f"WISPHUB_NET_HOST={upstream}",
        "WISPHUB_NET_KEY=the-upstream-key",
        "WISPHUB_API_KEYS=bot:the-key",
        "WISPHUB_API_CLIENTS_TTL=1",
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "wisphub_api.cli", "serve", f"--port={port}", f"--workers={workers}"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("WISPHUB")}
    env["TMPDIR"] = str(folder)  # who is killed leaves its folder behind
    (folder / ".env").write_text("\n".join(lines))
    with (folder / "serve.log").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=env | environ, stdout=output, stderr=output, start_new_session=True
        )
    service = Service(process, port, folder)
    try:
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


@contextmanager
def serving(folder: Path, upstream: str, *, workers: int = 2, **environ: str) -> Iterator[Service]:
    """Run the service with workers that are warm."""
    with starting(folder, upstream, workers=workers, **environ) as service:
        until(lambda: service.are_ready(workers))
        yield service


Start = Callable[..., AbstractContextManager[Service]]


@pytest.fixture
def start(tmp_path: Path, simulator: Any) -> Start:
    """Start a service of the test's own."""
    return partial(serving, tmp_path, simulator.url)


@pytest.fixture(scope="module")
def running_service(tmp_path_factory: Any, running_simulator: Any) -> Iterator[Service]:
    """Run one for all tests that leave two workers behind which are up."""
    with serving(tmp_path_factory.mktemp("service"), running_simulator.url) as service:
        yield service


@pytest.fixture
def service(running_service: Service, simulator: Any) -> Service:  # noqa: ARG001  # it is reset
    """Return the service, both workers of which are warm."""
    until(lambda: running_service.are_ready(2))
    return running_service


class Caller:
    """Asks again and again on a kept connection: of several, one always has a request on its way."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).hostname, urlsplit(url).port
        self.heads: list[bytes] = []
        self.lost = 0

    async def call_until(self, is_over: asyncio.Event) -> None:
        while not is_over.is_set():
            reader, writer = await asyncio.open_connection(*self._address)
            with suppress(ConnectionError):
                while not is_over.is_set() and await self._ask(reader, writer):  # noqa: ASYNC110  # a pause between requests
                    await asyncio.sleep(PAUSE_S)
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


async def test_a_rolling_restart_loses_no_request_and_lets_none_wait(service, simulator):
    """A new worker finds no snapshot: it has to wait for one that takes seconds to load."""
    before, loads = service.workers(), simulator.requests().get("GET /api/clientes/", 0)
    simulator.fail(kind="hang", seconds=2, path="/api/clientes/")
    until(lambda: simulator.requests().get("GET /api/clientes/", 0) > loads)
    with closing(sqlite3.connect(folder_of(service) / "shared.sqlite", isolation_level=None)) as shared:
        shared.execute("DELETE FROM heads WHERE name = 'clients'")
    service.process.send_signal(signal.SIGHUP)
    calls = await calling_until(service.url, lambda: service.has_two_workers(other_than=before))
    assert len(calls.heads) > 100
    assert calls.lost == 0
    assert calls.not_from_memory() == []
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    assert {line["logger"] for line in lines} >= {"uvicorn.error", "wisphub_api.web.telemetry.request_log"}


async def test_a_killed_worker_costs_its_callers_a_request_and_is_replaced(service):
    before = service.workers()
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    calls = await calling_until(service.url, lambda: service.has_two_workers(other_than={killed}))
    later = await calling_until(service.url, lambda: service.are_ready(2))
    assert calls.lost <= CALLERS
    assert later.lost == 0
    assert calls.not_from_memory() + later.not_from_memory() == []
    assert before - {killed} < service.workers()


def test_settings_that_are_broken_meanwhile_stop_the_rolling_restart_and_nothing_else(service):
    before = service.workers()
    settings = service.settings.read_text()
    service.settings.write_text("WISPHUB_NET_HOST=nonsense")
    service.process.send_signal(signal.SIGHUP)
    until(lambda: service.said("WISPHUB_NET_HOST is 'nonsense'"))
    until(lambda: service.workers() == before)  # the one that was tried has gone
    service.settings.write_text(settings)
    assert service.are_ready(2)


def test_two_workers_answer_alike(service):
    """The system chooses who answers: it is asked until both have."""
    answers: dict[str, httpx.Response] = {}

    def have_both_answered() -> bool:
        with service.caller(Connection="close") as caller:
            answer = caller.get("/api/v1/clients/")
        answers[answer.headers["X-Request-ID"][:20]] = answer
        return len(answers) == 2

    until(have_both_answered)
    assert len({answer.headers["ETag"] for answer in answers.values()}) == 1


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.smoke), 2])
def test_who_has_asked_or_asks_on_an_open_connection_is_answered_before_the_service_ends(
    start, simulator, workers
):
    with start(workers=workers) as service, service.caller() as caller, service.caller() as watcher:
        answers = asyncio.run(answered_while_told_to_stop(service, caller, watcher, simulator, workers))
        status = service.process.wait(PATIENCE_S)
        folder = service.settings.parent
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "ticket": 200,
        "poll": 200,
        "readiness": 503,
        "plans": 200,
    }
    assert {answer.headers["Connection"] for answer in answers.values()} == {"close"}
    assert answers["poll"].json()["status"] == "pending"
    assert status in {0, -signal.SIGTERM}
    assert [path.name for path in folder.iterdir() if path.is_dir()] == []


async def answered_while_told_to_stop(
    service, caller, watcher, simulator, workers
) -> dict[str, httpx.Response]:
    """Ask for a ticket and for a ping's result; once both are under way, stop the service and ask on."""
    simulator.fail(kind="hang", seconds=5, path="/api/tickets/*")
    simulator.fail(kind="hang", path="/api/tasks/*")
    location = caller.post("/api/v1/network/7/ping/").headers["Location"]
    assert watcher.get("/health/ready").headers.get("Connection") != "close"
    assert caller.get("/api/v1/internet-plans/").headers.get("Connection") != "close"
    with service.caller() as patient:
        begun = time.monotonic()
        poll = asyncio.create_task(asyncio.to_thread(patient.get, f"{location}?wait={POLL_S}"))
        await asyncio.to_thread(until, lambda: simulator.requests().get("GET /api/tasks/{task_id}/"))
        ticket = asyncio.create_task(asyncio.to_thread(patient.get, "/api/v1/tickets/5001"))
        await asyncio.to_thread(until, lambda: simulator.requests().get("GET /api/tickets/{id}/"))
        service.process.terminate()
        await poll
        assert time.monotonic() - begun < POLL_S - 5, "it was polled to the end"
        await asyncio.to_thread(until, lambda: service.said("Shutting down") == workers)
        plans = await asyncio.to_thread(caller.get, "/api/v1/internet-plans/")
        readiness = await asyncio.to_thread(watcher.get, "/health/ready")
        return {"ticket": await ticket, "poll": await poll, "readiness": readiness, "plans": plans}


def test_a_second_signal_ends_the_service_at_once(start, simulator):
    simulator.fail(kind="hang", path="/api/tickets/*")
    with start() as service, service.caller() as caller:
        with pytest.raises(httpx.TransportError):
            asyncio.run(lost_by_a_second_signal(service, caller, simulator))
        assert service.process.wait(STOP_WAIT_S / 2) in {0, -signal.SIGTERM}


async def lost_by_a_second_signal(service, caller, simulator) -> None:
    ticket = asyncio.create_task(asyncio.to_thread(caller.get, "/api/v1/tickets/5001"))
    await asyncio.to_thread(until, lambda: simulator.requests().get("GET /api/tickets/{id}/"))
    service.process.terminate()
    await asyncio.to_thread(until, lambda: service.said("Shutting down"))
    service.process.terminate()
    await ticket


def test_workers_share_a_folder_of_their_own(service):
    folder = folder_of(service)
    assert folder.parent == service.settings.parent
    assert folder.stat().st_mode & 0o777 == 0o700


def folder_of(service: Service) -> Path:
    """Return where the workers were told to share what they have read."""
    environ = psutil.Process(min(service.workers())).environ()
    assert environ["WISPHUB_API_WORKERS"] == "2"
    return Path(environ["WISPHUB_API_SNAPSHOT_DIR"])


def test_a_folder_that_is_given_is_taken_and_workers_do_not_outlive_their_parent(start, tmp_path):
    with start(WISPHUB_API_SNAPSHOT_DIR=str(tmp_path)) as service:
        assert folder_of(service) == tmp_path
        children = psutil.Process(service.process.pid).children()
        service.process.kill()
        _, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
        assert alive == []


CRASHES = {
    "settings": ("os.environ['WISPHUB_API_CLIENTS_TTL'] = 'soon'", "WISPHUB_API_CLIENTS_TTL is 'soon'"),
    "killed": ("os.kill(os.getpid(), 9)", "6 workers died within 60 s: the service ends"),
}


@pytest.mark.parametrize(("crash", "error"), CRASHES.values(), ids=CRASHES)
def test_a_service_whose_workers_go_on_dying_ends_and_says_why(tmp_path, simulator, crash, error):
    code = f"import os, sys\nif 'multiprocessing.spawn' in str(sys.orig_argv): {crash}"
    (tmp_path / "sitecustomize.py").write_text(code)
    with starting(tmp_path, simulator.url, PYTHONPATH=str(tmp_path)) as service:
        assert service.process.wait(PATIENCE_S) == 1
        assert service.said(error)
        assert not service.said("Traceback")
