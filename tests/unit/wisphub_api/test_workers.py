"""What workers and their parent decide; tests/system shows them as processes."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from uvicorn.supervisors import multiprocess

from wisphub_api import workers
from wisphub_api.web.server.draining_server import STOP_WAIT_S
from wisphub_api.workers import (
    CLOSE_WAIT_S,
    DEATHS_PER_WORKER,
    DEATHS_WITHIN_S,
    READY_WITHIN_S,
    Supervisor,
    Worker,
    WorkerServer,
)


class FakeWorker:
    """A worker without a process."""

    pid, exitcode = 1, -9

    def __init__(self, *, ready: bool = True) -> None:
        self.ready = ready
        self.alive = True

    def is_ready(self, _: float) -> bool:
        return self.ready

    def is_alive(self, timeout: float) -> bool:  # noqa: ARG002  # uvicorn's name
        return self.alive

    def start(self) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...
    def join(self) -> None: ...

    def wait_until_ready(self, timeout: float, should_exit: threading.Event) -> bool:
        """Be told to stop just while the parent waits for this."""
        os.kill(os.getpid(), signal.SIGTERM)
        assert should_exit.wait(timeout)
        return False


@pytest.fixture
def clock() -> Any:
    return SimpleNamespace(now=1_000.0)


@pytest.fixture
def supervisor(monkeypatch, clock) -> Iterator[Any]:
    """Return a parent of two workers without processes; signals are handled as before afterwards."""
    handlers = {number: signal.getsignal(number) for number in multiprocess.SIGNALS}
    monkeypatch.setattr(multiprocess, "Process", multiprocess.Process)  # it is restored
    monkeypatch.setattr(workers, "time", SimpleNamespace(monotonic=lambda: clock.now))
    made = Supervisor("127.0.0.1", 0, 2)
    monkeypatch.setattr(multiprocess, "Process", lambda *_: FakeWorker())
    made.init_processes()
    yield made
    made.sockets[0].close()
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def worker() -> Worker:
    return Worker(uvicorn.Config(""), [], waits=True)


def lose_one(supervisor: Any) -> None:
    supervisor.processes[0].alive = False
    supervisor.keep_subprocess_alive()


@pytest.mark.parametrize(("others", "waits"), [([True], True), ([False], False), ([], False)])
def test_a_new_worker_waits_to_be_warm_only_where_another_one_answers(supervisor, others, waits):
    supervisor.processes = [FakeWorker(ready=False), *(FakeWorker(ready=ready) for ready in others)]
    assert supervisor.hire(supervisor.config, []).waits == waits


def test_a_dead_worker_is_replaced(supervisor):
    dead, other = supervisor.processes
    lose_one(supervisor)
    assert dead not in supervisor.processes
    assert other in supervisor.processes
    assert not supervisor.should_exit.is_set()


@pytest.mark.parametrize(("pause_s", "is_over"), [(1, True), (DEATHS_WITHIN_S, False)], ids=["often", "rare"])
def test_workers_that_die_again_and_again_end_the_service(supervisor, clock, caplog, pause_s, is_over):
    for _ in range(2 * DEATHS_PER_WORKER):
        assert not supervisor.should_exit.is_set()
        clock.now += pause_s
        lose_one(supervisor)
    assert supervisor.should_exit.is_set() == is_over
    assert ("the service ends" in caplog.text) == is_over


@pytest.mark.parametrize("act", [Supervisor.restart_all, lose_one], ids=["restart", "death"])
def test_a_system_that_starts_no_process_does_not_end_the_service(supervisor, monkeypatch, caplog, act):
    def refuse(_: FakeWorker) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    before = list(supervisor.processes)
    monkeypatch.setattr(FakeWorker, "start", refuse)
    act(supervisor)
    assert "no worker can be started: Resource temporarily unavailable" in caplog.text
    assert supervisor.processes == before
    monkeypatch.setattr(FakeWorker, "start", lambda _: None)
    supervisor.keep_subprocess_alive()
    assert all(worker.alive for worker in supervisor.processes)


def test_a_signal_ends_the_service_in_the_midst_of_a_rolling_restart(supervisor):
    supervisor.signal_queue.append(signal.SIGHUP)
    assert supervisor.serve()
    assert supervisor.signal_queue == []


def test_a_worker_that_does_not_end_is_killed(worker):
    calls: list[Any] = []
    worker.process = SimpleNamespace(
        join=lambda *seconds: calls.append(seconds), kill=lambda: calls.append("kill")
    )
    worker.join()
    assert calls == [(STOP_WAIT_S + CLOSE_WAIT_S,), "kill", ()]


def test_a_worker_leaves_ctrl_c_to_its_parent_and_is_not_hurried_by_a_second_signal():
    server = WorkerServer(uvicorn.Config(""))
    states = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
        server.handle_exit(number, None)
        states.append((server.should_exit, server.force_exit))
    assert states == [(False, False), (True, False), (True, False)]


class Warming:
    """A worker that waits to be warm."""

    def __init__(self, worker: Worker) -> None:
        self.cache = SimpleNamespace(state="cold")
        app: Any = SimpleNamespace(state={"needed": [SimpleNamespace(state=lambda: self.cache)]})
        self.task = asyncio.create_task(worker.get_warm(app))

    async def ends_within(self, seconds: float) -> bool:
        """Return whether it accepts connections in time."""
        done, _ = await asyncio.wait({self.task}, timeout=seconds)
        return bool(done)


@pytest.mark.looptime
async def test_a_worker_waits_until_its_caches_can_be_answered_from(worker):
    warming = Warming(worker)
    assert not await warming.ends_within(10)
    warming.cache.state = "stale"
    assert await warming.ends_within(0.1)


@pytest.mark.looptime
async def test_a_worker_does_not_wait_to_be_warm_for_ever(worker):
    assert await Warming(worker).ends_within(READY_WITHIN_S + 1)


@pytest.mark.looptime
async def test_a_worker_that_waits_to_be_warm_ends_with_its_parent(worker):
    warming = Warming(worker)
    assert not await warming.ends_within(1)
    worker.server.should_exit = True
    assert await warming.ends_within(0.1)
