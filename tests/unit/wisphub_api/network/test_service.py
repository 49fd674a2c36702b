"""Diagnostics shared by all who ask. No time passes: the loop's time flies."""

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from wisphub_api import exceptions as faults
from wisphub_api.network.models import Diagnosis, HostReport, PingReport
from wisphub_api.network.service import NetworkService
from wisphub_api.network.shared_pings import LEASE_S, PingTask, SharedPings

pytestmark = pytest.mark.looptime
STABLE, FAILED = PingReport(hosts=(HostReport("10.0.0.1", has_answered=True),)), PingReport(errors=1)


async def result(network: NetworkService, task_id: str, wait_s: float = 0) -> str:
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    return (await network.result(task_id, wait_s, never)).status


async def finished(network: NetworkService, service_id: int = 7) -> Diagnosis:
    """Start a diagnostic and wait for its result."""
    started = await network.start(service_id, 4)
    await result(network, started.task_id, 30)
    return started


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_diagnostic_is_started_once_and_pending(network, pings):
    assert (await network.start(7, 9)).status == "pending"
    assert pings.starts == [(7, 9)]


async def test_an_unknown_client_is_not_pinged(network, pings):
    with pytest.raises(faults.NotFound) as raised:
        await network.start(1001, 4)
    assert raised.value.age_s == 3.0
    assert pings.starts == []


async def test_all_who_ask_at_once_join_one_diagnostic(network, pings):
    answers = await asyncio.gather(*(network.start(7, 4) for _ in range(100)))
    assert len({answer.task_id for answer in answers}) == 1
    assert len(pings.starts) == 1


async def test_who_asks_while_one_runs_joins_it(network, pings):
    first = await network.start(7, 4)
    await asyncio.sleep(1)
    assert await network.start(7, 10) == first
    assert len(pings.starts) == 1


async def test_each_service_has_its_own(network, pings):
    first, second = await network.start(7, 4), await network.start(8, 4)
    assert first.task_id != second.task_id
    assert pings.starts == [(7, 4), (8, 4)]


async def test_a_result_is_reused_for_a_short_time(network, pings):
    first = await finished(network)
    await asyncio.sleep(30)
    assert await network.start(7, 4) == Diagnosis(first.task_id, "stable")
    await asyncio.sleep(1)
    assert (await network.start(7, 4)).status == "pending"
    assert len(pings.starts) == 2


async def test_a_start_that_failed_is_not_joined(network, pings):
    pings.refusal = faults.UpstreamFailed("500", status=500)
    with pytest.raises(faults.UpstreamFailed):
        await network.start(7, 4)
    pings.refusal = None
    assert (await network.start(7, 4)).status == "pending"
    assert len(pings.starts) == 2


async def test_an_error_is_not_reused(network, pings, failed):
    pings.reports = [failed]
    first = await finished(network)
    assert await result(network, first.task_id) == "error"
    assert (await network.start(7, 4)).task_id != first.task_id


async def test_all_who_joined_a_start_that_failed_are_told(network, pings):
    pings.refusal = faults.UpstreamUncertain("it may have been done")
    answers = await asyncio.gather(*(network.start(7, 4) for _ in range(5)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {faults.UpstreamUncertain}
    assert len(pings.starts) == 1


async def test_a_service_that_has_gone_upstream_is_not_found(network, pings):
    pings.refusal = faults.UpstreamFailed("404", status=404)
    with pytest.raises(faults.NotFound):
        await network.start(7, 4)


async def test_who_waits_is_answered_as_soon_as_there_is_a_result(network, pings):
    started = await network.start(7, 4)
    assert await result(network, started.task_id, 30) == "stable"
    assert now() == pings.look_times[-1] == 0.5 + 1 + 1 + 1.5


async def test_who_waits_is_answered_at_the_latest_then(network):
    started = await network.start(7, 4)
    assert await result(network, started.task_id, 2) == "pending"
    assert now() == 0.5 + 2


async def test_who_does_not_wait_is_answered_at_once(network):
    started = await network.start(7, 4)
    assert await result(network, started.task_id) == "pending"
    assert now() == 0.5


async def test_one_looks_however_many_wait(network, pings):
    started = await network.start(7, 4)
    waiting = (result(network, started.task_id, 30) for _ in range(100))
    assert set(await asyncio.gather(*waiting)) == {"stable"}
    assert len(pings.looks) == 3


async def test_a_caller_who_goes_is_waited_for_no_longer_and_the_diagnostic_goes_on(network):
    started = await network.start(7, 4)
    gone = asyncio.create_task(asyncio.sleep(1))
    assert (await network.result(started.task_id, 30, gone)).status == "pending"
    assert now() == 0.5 + 1
    assert await result(network, started.task_id, 30) == "stable"


async def test_a_starter_who_is_cancelled_leaves_the_diagnostic_to_the_others(network, pings):
    first, second = (asyncio.create_task(network.start(7, 4)) for _ in range(2))
    await asyncio.sleep(0.1)
    first.cancel()
    assert (await second).status == "pending"
    assert len(pings.starts) == 1


async def test_a_diagnostic_runs_in_no_callers_context(network, pings):
    ContextVar[str]("request_id").set("the first caller's")
    await finished(network)
    assert pings.context_sizes == {0}


async def test_looks_come_ever_less_often_and_end(network, pings, pending, caplog):
    pings.reports = [pending]
    started = await network.start(7, 4)
    await asyncio.sleep(121)
    assert await result(network, started.task_id) == "error"
    gaps = [after - before for before, after in zip(pings.look_times, pings.look_times[1:], strict=False)]
    assert gaps[:3] == [1, 1.5, 2.25]
    assert max(gaps) == 5
    assert "no result after 120 s" in caplog.text


async def test_trouble_between_looks_is_not_seen(network, pings, stable):
    pings.reports = [faults.UpstreamTimeout("slow"), faults.UpstreamFailed("500", status=500), stable]
    started = await network.start(7, 4)
    assert await result(network, started.task_id, 30) == "stable"


async def test_the_upstreams_wish_for_peace_is_granted(network, pings, stable):
    pings.reports = [faults.UpstreamRateLimited("429", retry_after_s=12), stable]
    await finished(network)
    assert pings.look_times == [1.5, 13.5]


async def test_a_task_that_the_upstream_has_forgotten_is_not_found_for_good(network, pings):
    pings.reports = [faults.UpstreamFailed("404", status=404)]
    started = await network.start(7, 4)
    for _ in range(2):
        with pytest.raises(faults.NotFound):
            await result(network, started.task_id, 5)
    assert len(pings.looks) == 1
    assert (await network.start(7, 4)).task_id != started.task_id


async def test_an_id_that_was_made_up_costs_the_upstream_nothing(network, pings):
    with pytest.raises(faults.NotFound):
        await result(network, "task-1-of-7.0000", 30)
    assert (pings.starts, pings.looks, now()) == ([], [], 0)


async def test_a_task_of_another_worker_is_looked_at_at_once(network, pings, other_worker):
    started = await network.start(7, 4)
    pings.reports = pings.reports[-1:]
    assert await result(other_worker, started.task_id, 30) == "stable"
    assert now() == 0.5
    assert len(pings.starts) == 1


async def test_all_who_ask_two_workers_at_once_join_one_diagnostic(network, other_worker, pings):
    services = [network, other_worker] * 10
    answers = await asyncio.gather(*(service.start(7, 4) for service in services))
    results = await asyncio.gather(
        *(result(service, answers[0].task_id, 30) for service in (network, other_worker))
    )
    assert (len({answer.task_id for answer in answers}), set(results)) == (1, {"stable"})
    assert len(pings.starts) == 1


async def test_what_runs_at_one_worker_is_joined_at_another(network, other_worker, pings):
    first = await network.start(7, 4)
    await asyncio.sleep(1)
    assert await other_worker.start(7, 10) == first
    assert await result(other_worker, first.task_id, 30) == "stable"
    assert len(pings.starts) == 1


async def test_what_one_worker_has_found_is_reused_by_another_for_as_long_as_by_itself(
    network, other_worker, pings
):
    first = await finished(network)
    looks = len(pings.looks)
    await asyncio.sleep(20)
    assert await other_worker.start(7, 4) == Diagnosis(first.task_id, "stable")
    assert len(pings.looks) == looks
    await asyncio.sleep(11)
    assert (await other_worker.start(7, 4)).status == "pending"
    assert len(pings.starts) == 2


async def test_a_diagnostic_outlives_the_worker_that_started_it(make_network, other_worker, pings):
    async with make_network() as dying:
        first = await dying.start(7, 4)
    assert await other_worker.start(7, 4) == first
    assert await result(other_worker, first.task_id, 30) == "stable"
    assert len(pings.starts) == 1


@pytest.mark.parametrize("report", [FAILED, faults.UpstreamFailed("404", status=404), ZeroDivisionError()])
async def test_what_came_to_nothing_at_one_worker_is_not_joined_at_another(
    network, other_worker, pings, report
):
    pings.reports = [report]
    await network.start(7, 4)
    await asyncio.sleep(10)
    pings.reports = [STABLE]
    await finished(other_worker)
    assert len(pings.starts) == 2


async def test_a_start_that_failed_at_one_worker_is_made_at_another(network, other_worker, pings):
    pings.refusal = faults.UpstreamFailed("500", status=500)
    with pytest.raises(faults.UpstreamFailed):
        await network.start(7, 4)
    pings.refusal = None
    assert (await other_worker.start(7, 4)).status == "pending"


async def test_the_wait_for_a_worker_that_has_died_at_the_start_has_an_end(network, store, pings):
    await store.lease("ping:7", LEASE_S)
    for seconds, told in ((15, "WispHub Net has not started"), (30, "Another process has not started")):
        with pytest.raises(faults.UpstreamTimeout, match=told):
            await network.start(7, 4)
        assert now() == pytest.approx(seconds)
        await asyncio.sleep(1)
    await asyncio.sleep(LEASE_S - 31)
    assert (await network.start(7, 4)).status == "pending"
    assert len(pings.starts) == 1


async def test_a_result_is_told_though_another_worker_has_its_turn(network, store):
    started = await network.start(7, 4)
    await store.lease("ping:7", LEASE_S)
    assert await result(network, started.task_id, 30) == "stable"


async def test_what_an_older_diagnostic_finds_does_not_end_the_latest(store, policy):
    shared = SharedPings(store, policy.patience_s, policy.reuse_s)
    await shared.begun(7, "task-2")
    await shared.ended(7, PingTask("task-1"), "stable")
    assert await shared.find(7) == PingTask("task-2")


async def test_what_another_release_has_written_down_is_not_joined(network, store, pings):
    await store.put("ping:7", b'{"task": "task-0"}', 60)
    assert (await network.start(7, 4)).status == "pending"
    assert len(pings.starts) == 1


async def test_a_result_that_is_not_to_be_reused_is_forgotten(store):
    shared = SharedPings(store, 120, reuse_s=0)
    await shared.begun(7, "task-1")
    await shared.ended(7, PingTask("task-1"), "stable")
    assert await shared.find(7) is None


async def test_a_start_that_hangs_is_not_waited_for_long_and_may_be_joined(network, pings):
    pings.start_s = 20
    with pytest.raises(faults.UpstreamTimeout, match="join"):
        await network.start(7, 4)
    assert now() == 15
    assert (await network.start(7, 4)).status == "pending"
    assert (now(), len(pings.starts)) == (20, 1)


async def test_only_so_many_run_at_once(network, pings):
    for service_id in range(1, 6):
        await network.start(service_id, 4)
    with pytest.raises(faults.DiagnosticsBusy) as raised:
        await network.start(6, 4)
    assert raised.value.retry_after_s == 5
    await asyncio.sleep(10)
    assert (await network.start(6, 4)).status == "pending"
    assert len(pings.starts) == 6


async def test_those_that_start_count_as_well(network, pings):
    answers = await asyncio.gather(*(network.start(i, 4) for i in range(1, 9)), return_exceptions=True)
    assert sum(isinstance(answer, faults.DiagnosticsBusy) for answer in answers) == 3
    assert len(pings.starts) == 5


async def test_only_so_many_are_remembered(network):
    for service_id in range(1, 60):
        await finished(network, service_id)
    assert (len(network._by_task), len(network._of_service)) == (20, 20)


async def test_none_is_remembered_for_longer_than_an_hour(network, pings):
    started = await finished(network)
    await asyncio.sleep(3600)
    looks = len(pings.looks)
    await result(network, started.task_id, 30)
    assert len(pings.looks) > looks


async def test_a_bug_is_logged_and_costs_one_diagnostic(network, pings, caplog):
    pings.reports = [ZeroDivisionError("10.0.0.1")]
    started = await network.start(7, 4)
    with pytest.raises(ZeroDivisionError):
        await result(network, started.task_id, 5)
    assert "internal error (ZeroDivisionError)" in caplog.text
    assert "10.0.0.1" not in caplog.text
    assert (await network.start(7, 4)).task_id != started.task_id


async def test_closing_ends_what_runs(make_network):
    async with make_network() as service:
        await service.start(7, 4)
        starting: Any = asyncio.create_task(service.start(8, 4))
        await asyncio.sleep(0.1)
    assert len(asyncio.all_tasks()) <= 2
    with pytest.raises(asyncio.CancelledError):
        await starting
