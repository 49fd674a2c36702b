"""Two workers with one folder: limits, request keys, places in zones and pings hold across both.

`tests/system` proves the same of two with one Redis.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import msgspec
import pytest

REFERENCE: dict[str, Any] = {"address": "BELLAVISTA", "internet_plan_price": 40000.0}
TICKET: dict[str, Any] = {"service_id": 7, "subject": "Internet Lento", "description": "Perro bravo"}
VERIFY, TICKETS, PING = "/api/v1/clients/7/verify", "/api/v1/tickets", "/api/v1/network/7/ping"
OPENED, STARTED = "POST /api/tickets/", "POST /api/clientes/{id}/ping/"
Workers = list[httpx.AsyncClient]


@pytest.fixture
def shared(tmp_path) -> dict[str, Any]:
    """Return the settings by which they share."""
    return {"snapshot_dir": tmp_path}


@pytest.fixture
def held(tmp_path) -> Callable[[], bytes]:
    """Read all that is shared."""
    return lambda: b"\n".join(file.read_bytes() for file in tmp_path.iterdir())


@pytest.fixture
def settings(settings, shared):
    """Let each key ask 199 times an hour: of so few each is counted alone."""
    return msgspec.structs.replace(
        settings, **shared, rate_limit="199/hour", verify_max_failures=3, ping_poll_s=0.1
    )


@pytest.fixture
async def workers(serve, settings) -> AsyncIterator[Workers]:
    async with serve(settings) as one, serve(settings) as other:
        for worker in (one, other):
            await asyncio.gather(
                worker.get("/api/v1/clients/"),
                worker.get("/api/v1/internet-plans/"),
                worker.get(f"{TICKETS}/zone-blocked/5"),
            )
        yield [one, other]


async def posts(workers: Workers, times: int, path: str, body: Any, **headers: str) -> list[httpx.Response]:
    """Post to the workers in turn, all at once."""
    asked = (workers[number % 2].post(path, json=body, headers=headers) for number in range(times))
    return await asyncio.gather(*asked)


async def test_requests_are_counted_together(workers):
    answers = [await workers[number % 2].get("/api/v1/payment-methods/") for number in range(4)]
    left = [int(answer.headers["ratelimit"].split(";")[1].removeprefix("r=")) for answer in answers]
    assert left == [left[0] - number for number in range(4)]


async def test_guesses_are_counted_together_however_many_come_at_once(workers):
    answers = await posts(workers, 20, VERIFY, REFERENCE | {"address": "elsewhere"})
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 17
    assert [(await worker.post(VERIFY, json=REFERENCE)).status_code for worker in workers] == [429] * 2


async def test_right_data_that_comes_often_at_once_is_never_kept_back(workers):
    assert {answer.status_code for answer in await posts(workers, 60, VERIFY, REFERENCE)} == {200}


async def test_one_key_opens_one_ticket_wherever_it_comes(workers, simulator):
    at_once = await posts(workers, 10, TICKETS, TICKET, **{"Idempotency-Key": "key-1"})
    later = await posts(workers, 2, TICKETS, TICKET, **{"Idempotency-Key": "key-1"})
    assert {(answer.status_code, answer.text) for answer in at_once + later} == {(201, at_once[0].text)}
    other = await posts(workers, 2, TICKETS, TICKET | {"service_id": 8}, **{"Idempotency-Key": "key-1"})
    assert [answer.status_code for answer in other] == [422] * 2
    assert simulator.requests()[OPENED] == 1


async def test_a_doubtful_ticket_is_looked_for_at_another_worker(workers, simulator):
    simulator.fail(path="/api/tickets/", method="POST", kind="drop", mode="mid", count=1)
    headers = {"Idempotency-Key": "key-1"}
    answers = [await worker.post(TICKETS, json=TICKET, headers=headers) for worker in workers]
    assert [answer.status_code for answer in answers] == [504, 201]
    assert simulator.requests()[OPENED] == 1


async def test_a_zone_takes_no_more_than_it_may_wherever_they_come(workers, simulator):
    answers = await posts(workers, 12, TICKETS, TICKET)
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 9
    later = await posts(workers, 2, TICKETS, TICKET)
    assert [answer.status_code for answer in later] == [409] * 2
    assert simulator.requests()[OPENED] == 3


async def test_a_diagnostic_is_joined_wherever_it_is_asked_for(workers, simulator):
    answers = await posts(workers, 10, PING, {"pings": 2})
    (task_id,) = {answer.json()["task_id"] for answer in answers}
    results = await asyncio.gather(
        *(worker.get(f"/api/v1/network/ping/{task_id}/?wait=20") for worker in workers)
    )
    again = await posts(workers, 2, PING, {"pings": 2})
    assert {answer.json()["status"] for answer in [*results, *again]} == {"stable"}
    assert simulator.requests()[STARTED] == 1


async def test_what_is_shared_holds_nothing_that_was_said_in_clear(workers, held):
    headers = {"Idempotency-Key": "key-of-esperanza"}
    await posts(workers, 2, TICKETS, TICKET, **headers)
    await posts(workers, 2, VERIFY, REFERENCE | {"address": "elsewhere"})
    await posts(workers, 2, PING, {"pings": 2})
    assert len(held()) > 1_000
    for said in (b"Perro", b"Internet Lento", b"esperanza", b"elsewhere", b"BELLAVISTA", b"consumer", b"bot"):
        assert said not in held()
