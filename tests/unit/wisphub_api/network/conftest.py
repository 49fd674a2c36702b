"""WispHub Net's pings without a network, and a service that asks for them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextvars import copy_context
from typing import Any

import pytest

from wisphub_api.cache.slot import Reading
from wisphub_api.network.diagnostic import PingPolicy
from wisphub_api.network.models import HostReport, PingReport
from wisphub_api.network.service import NetworkService
from wisphub_api.network.shared_pings import SharedPings
from wisphub_api.network.task_ids import TaskIds
from wisphub_api.setting_values import Secret

PENDING = PingReport(is_running=True)
STABLE = PingReport(hosts=(HostReport("10.0.0.1", has_answered=True),))
FAILED = PingReport(errors=1)
Report = PingReport | Exception


class Pings:
    """Starts tasks, and tells of each what `reports` says in turn, the last one for ever."""

    def __init__(self) -> None:
        self.reports: list[Report] = [PENDING, PENDING, STABLE]
        self.start_s = 0.5
        self.refusal: Exception | None = None
        self.context_sizes: set[int] = set()
        self.starts: list[tuple[int, int]] = []
        self.looks: list[tuple[str, float]] = []

    async def start(self, service_id: int, pings: int) -> str:
        self.starts.append((service_id, pings))
        self.context_sizes.add(len(copy_context()))
        await asyncio.sleep(self.start_s)
        if self.refusal:
            raise self.refusal
        return f"task-{len(self.starts)}-of-{service_id}"

    async def report(self, task_id: str) -> PingReport:
        number = sum(task_id == looked for looked, _ in self.looks)
        self.context_sizes.add(len(copy_context()))
        self.looks.append((task_id, asyncio.get_running_loop().time()))
        report = self.reports[min(number, len(self.reports) - 1)]
        if isinstance(report, Exception):
            raise report
        return report

    @property
    def look_times(self) -> list[float]:
        """When each look was."""
        return [time_s for _, time_s in self.looks]


class Directory:
    """Knows the services up to 1,000."""

    async def read(self) -> Reading[Any]:
        return Reading(self, age_s=3.0, ttl_s=297.0)

    def by_service_id(self, service_id: int) -> object | None:
        return object() if service_id <= 1000 else None


@pytest.fixture
def pings() -> Pings:
    return Pings()


@pytest.fixture
def policy() -> PingPolicy:
    return PingPolicy(poll_s=1.0, reuse_s=30.0, most_running=5, most_kept=20)


@pytest.fixture
def pending() -> PingReport:
    return PENDING


@pytest.fixture
def stable() -> PingReport:
    return STABLE


@pytest.fixture
def failed() -> PingReport:
    return FAILED


MakeNetwork = Callable[[], NetworkService]


@pytest.fixture
def make_network(pings, policy, store) -> MakeNetwork:
    """Make a worker's service; all workers have the same upstream, and the same store."""
    directory: Any = Directory()
    shared = SharedPings(store, policy.patience_s, policy.reuse_s, lambda: asyncio.get_running_loop().time())
    return lambda: NetworkService(directory, pings, TaskIds(Secret("the-key")), policy, shared)


@pytest.fixture
async def network(make_network) -> AsyncIterator[NetworkService]:
    async with make_network() as service:
        yield service


@pytest.fixture
async def other_worker(make_network) -> AsyncIterator[NetworkService]:
    async with make_network() as service:
        yield service
