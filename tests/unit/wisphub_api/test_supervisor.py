"""What the supervisor decides: whom it replaces, when, and who goes first."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from wisphub_api.workers import WARM_WITHIN_S, Supervisor, pause_s

pytestmark = pytest.mark.looptime


class FakeWorker:
    """A worker that gets up, ends and is told to as the test wants."""

    def __init__(self, pid: int, patience_s: float) -> None:
        self.pid = pid
        self.patience_s = patience_s
        loop = asyncio.get_running_loop()
        self.begun_at = loop.time()
        self.up: asyncio.Future[bool] = loop.create_future()
        self.ended: asyncio.Future[int] = loop.create_future()
        self.told: list[str] = []

    @property
    def is_up(self) -> bool:
        return not self.ended.done() and self.up.done() and self.up.result()

    @property
    def age_s(self) -> float:
        return asyncio.get_running_loop().time() - self.begun_at

    async def is_up_within(self, seconds: float) -> bool:
        await asyncio.wait({self.up}, timeout=seconds)
        return self.is_up

    def get_up(self) -> None:
        self.up.set_result(True)

    def end(self, status: int = 0) -> None:
        if not self.up.done():
            self.up.set_result(False)
        if not self.ended.done():
            self.ended.set_result(status)

    def terminate(self) -> None:
        self.told.append("terminate")

    def kill(self) -> None:
        self.told.append("kill")
        self.end(-9)


class Staff:
    """All workers that were ever started; each gets up at once unless told otherwise."""

    def __init__(self) -> None:
        self.workers: list[FakeWorker] = []
        self.has_started, self.may_start = asyncio.Event(), asyncio.Event()
        self.may_start.set()
        self.is_quick = True
        self.refusals = 0

    def pids(self) -> list[int]:
        """Return who is up and has not been told to end."""
        return [worker.pid for worker in self.workers if worker.is_up and not worker.told]

    async def start(self, patience_s: float) -> Any:
        if self.refusals:
            self.refusals -= 1
            raise BlockingIOError(11, "Resource temporarily unavailable")
        await self.may_start.wait()
        worker = FakeWorker(len(self.workers) + 1, patience_s)
        self.workers.append(worker)
        self.has_started.set()
        if self.is_quick:
            worker.get_up()
        return worker


@asynccontextmanager
async def working(staff: Staff) -> AsyncIterator[None]:
    """Let a supervisor of two work; signals reach it as they reach its process."""
    task = asyncio.create_task(Supervisor(staff.start, 2).run())
    await settled()
    yield
    signal.raise_signal(signal.SIGTERM)
    for _ in range(3):
        await settled()
        for worker in staff.workers:
            worker.end()
    assert await task


async def settled() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


@pytest.fixture
def staff() -> Staff:
    return Staff()


def test_who_goes_on_dying_is_replaced_ever_later_but_always():
    assert [pause_s(deaths) for deaths in range(1, 9)] == [0, 1, 2, 4, 8, 16, 30, 30]


async def test_who_dies_young_again_and_again_is_replaced_at_growing_intervals(staff):
    async with working(staff):
        for wait_s in (0, 1, 2, 4):
            died_at = asyncio.get_running_loop().time()
            staff.has_started.clear()
            staff.workers[-1].end(1)
            await staff.has_started.wait()
            assert staff.workers[-1].begun_at - died_at == pytest.approx(wait_s, abs=0.1)


async def test_who_dies_after_a_long_life_is_replaced_at_once(staff):
    async with working(staff):
        for _ in range(3):
            await asyncio.sleep(60)
            staff.workers[-1].end(1)
            await settled()
        assert len(staff.workers) == 5


async def test_who_replaces_the_dead_may_take_its_time_only_while_another_answers(staff):
    async with working(staff):
        staff.is_quick = False
        staff.workers[0].end(-9)
        await settled()
        staff.workers[1].end(-9)
        await settled()
        assert [worker.patience_s for worker in staff.workers] == [0, 0, WARM_WITHIN_S, 0]


async def test_an_old_worker_goes_only_when_the_new_one_is_up(staff):
    async with working(staff):
        staff.is_quick = False
        signal.raise_signal(signal.SIGHUP)
        await asyncio.sleep(WARM_WITHIN_S - 1)
        assert [worker.told for worker in staff.workers] == [[], [], []]
        staff.workers[2].get_up()
        await settled()
        assert [worker.told for worker in staff.workers] == [["terminate"], [], []]
        assert len(staff.workers) == 3
        staff.workers[0].end()
        await settled()
        staff.workers[3].get_up()
        await settled()
        assert staff.workers[1].told == ["terminate"]
        assert staff.pids() == [3, 4]


async def test_a_new_worker_that_does_not_get_warm_ends_and_the_old_ones_go_on(staff):
    async with working(staff):
        staff.is_quick = False
        signal.raise_signal(signal.SIGHUP)
        await asyncio.sleep(WARM_WITHIN_S + 1)
        assert [worker.told for worker in staff.workers] == [[], [], ["terminate"]]
        assert staff.pids() == [1, 2]


async def test_an_old_worker_that_does_not_end_is_killed(staff):
    async with working(staff):
        signal.raise_signal(signal.SIGHUP)
        await asyncio.sleep(60)
        assert staff.workers[0].told == ["terminate", "kill"]


async def test_who_dies_while_its_successor_gets_warm_has_one_successor(staff):
    async with working(staff):
        staff.workers[0].end()
        await settled()  # its first death: replaced at once
        staff.is_quick = False
        signal.raise_signal(signal.SIGHUP)
        await settled()
        staff.workers[2].end()
        await settled()
        staff.workers[3].get_up()
        await settled()
        staff.workers[2].end()
        await asyncio.sleep(5)
        assert [worker.pid for worker in staff.workers if worker.is_up] == [2, 4]


@pytest.mark.parametrize("is_roll", [True, False], ids=["roll", "death"])
async def test_a_machine_that_starts_no_process_does_not_end_the_service(staff, is_roll, caplog):
    async with working(staff):
        staff.refusals = 1
        signal.raise_signal(signal.SIGHUP) if is_roll else staff.workers[0].end()
        await asyncio.sleep(40)
        assert "no worker can be started: Resource temporarily unavailable" in caplog.text
        assert sum(worker.is_up for worker in staff.workers) == 2


async def test_a_service_whose_workers_cannot_start_ends(staff):
    staff.is_quick = False
    supervisor = Supervisor(staff.start, 2)
    task = asyncio.create_task(supervisor.run())
    await settled()
    staff.workers[0].get_up()
    staff.workers[1].end(1)
    await settled()
    assert staff.workers[0].told == ["terminate"]
    staff.workers[0].end()
    assert not await task


async def test_a_second_signal_kills(staff):
    async with working(staff):
        signal.raise_signal(signal.SIGTERM)
        await settled()
        assert [worker.told for worker in staff.workers] == [["terminate"]] * 2
        signal.raise_signal(signal.SIGTERM)
        await settled()
        assert [worker.told for worker in staff.workers] == [["terminate", "kill"]] * 2


async def test_who_is_just_being_started_when_the_service_stops_is_told_too(staff):
    async with working(staff):
        staff.is_quick = False
        staff.may_start.clear()
        signal.raise_signal(signal.SIGHUP)
        await settled()
        signal.raise_signal(signal.SIGTERM)
        await settled()
        staff.may_start.set()
        await settled()
        assert [worker.told for worker in staff.workers] == [["terminate"]] * 3
