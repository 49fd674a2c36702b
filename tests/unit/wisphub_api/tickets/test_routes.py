"""The tickets' routes, over a simulated WispHub Net."""

import asyncio
import datetime as dt
import logging
from typing import Any

import httpx
import msgspec
import pytest

from wisphub_api.api_keys import ApiKey, digest

TICKETS = "/api/v1/tickets"
SECRET = "Perro bravo, llamar antes"
REQUEST = {"service_id": 7, "subject": "internet LENTO", "description": SECRET}  # of zone 5, which has none


async def post(api: httpx.AsyncClient, key: str | None = None, **changes: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await api.post(TICKETS, json=REQUEST | changes, headers=headers)


async def zone(api: httpx.AsyncClient, zone_id: int = 5) -> dict[str, Any]:
    state: dict[str, Any] = (await api.get(f"{TICKETS}/zone-blocked/{zone_id}")).json()
    return state


async def test_the_subjects_come_by_priority(shared_api):
    groups = (await shared_api.get(f"{TICKETS}/subjects")).json()
    assert [(group["priority"], len(group["subjects"])) for group in groups] == [
        (1, 5),
        (2, 5),
        (3, 18),
        (4, 3),
    ]


async def test_a_ticket_is_opened_and_can_be_read(api):
    opened = await post(api)
    ticket = opened.json()
    assert (opened.status_code, opened.headers["location"]) == (201, f"{TICKETS}/{ticket['ticket_id']}")
    assert (ticket["subject"], ticket["priority"], ticket["zone_id"]) == ("Internet Lento", 2, 5)
    assert (await api.get(opened.headers["location"])).json() == ticket
    begins, due = (dt.datetime.fromisoformat(ticket[name]) for name in ("starts_at", "due_at"))
    assert dt.timedelta(days=3) <= due - begins <= dt.timedelta(days=14)


@pytest.mark.usefixtures("simulator")
async def test_an_answered_ticket_shows_its_answer(shared_api):
    closed = (await shared_api.get(f"{TICKETS}/5002")).json()
    assert (closed["status"], bool(closed["answer"])) == ("3", True)


@pytest.mark.usefixtures("simulator")
@pytest.mark.parametrize("held", range(5))
async def test_a_zone_is_blocked_once_it_holds_as_many_as_it_may(shared_api, held):
    assert await zone(shared_api, 5 + held) == {
        "zone_id": 5 + held,
        "is_blocked": held >= 3,
        "open_tickets": held,
        "limit": 3,
    }


async def test_the_limit_counts_all_pages_of_open_tickets(serve, settings, simulator):
    for _ in range(320):
        simulator.open_ticket(7)
    async with serve(settings) as api:
        assert (await zone(api))["open_tickets"] == 320


async def test_a_new_ticket_counts_at_once(api, simulator):
    await zone(api)
    before = simulator.requests()["GET /api/tickets/"]
    for number in range(1, 4):
        assert (await post(api)).status_code == 201
        assert (await zone(api))["open_tickets"] == number
    refused = await post(api)
    assert (refused.status_code, refused.json()["type"].split(":")[-1]) == (409, "zone-limit-reached")
    assert simulator.requests()["GET /api/tickets/"] == before


async def test_of_ten_at_once_no_more_are_opened_than_the_zone_may_hold(api, simulator):
    answers = await asyncio.gather(*(post(api, f"key-{number}") for number in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 7
    assert simulator.requests()["POST /api/tickets/"] == 3


async def test_the_limit_and_the_states_are_settings(serve, settings):
    changed = msgspec.structs.replace(
        settings, max_active_tickets_per_zone=6, active_ticket_states=(1, 3), default_ticket_status=3
    )
    async with serve(changed) as api:
        assert (await zone(api, 4)) == {"zone_id": 4, "is_blocked": True, "open_tickets": 6, "limit": 6}
        assert (await post(api)).json()["status"] == "3"


async def test_due_date_and_days_off_are_settings(serve, settings):
    today = dt.datetime.now(dt.timezone(dt.timedelta(hours=-5))).date()
    off = tuple(today + dt.timedelta(days=number) for number in range(40))
    async with serve(msgspec.structs.replace(settings, extra_holidays=off)) as api:
        due = dt.datetime.fromisoformat((await post(api)).json()["due_at"])
    assert due.date() > off[-1]


async def test_a_repeat_with_the_same_key_gets_the_first_answer(api, simulator):
    answers = [await post(api, "key-1") for _ in range(3)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}
    assert simulator.requests()["POST /api/tickets/"] == 1


async def test_two_at_once_with_one_key_are_one(api, simulator):
    answers = await asyncio.gather(*(post(api, "key-1") for _ in range(5)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}
    assert simulator.requests()["POST /api/tickets/"] == 1


async def test_the_same_key_with_another_body_is_refused(api):
    await post(api, "key-1")
    refused = await post(api, "key-1", description="Otra cosa")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


async def test_another_caller_may_use_the_same_key(serve, settings):
    keys = settings.api_keys | {"app": ApiKey(digest(b"the-apps-key"))}
    async with serve(msgspec.structs.replace(settings, api_keys=keys)) as api:
        first = await post(api, "key-1")
        headers = {"X-API-Key": "the-apps-key", "Idempotency-Key": "key-1"}
        second = await api.post(TICKETS, json=REQUEST, headers=headers)
    assert (second.status_code, second.json()["ticket_id"]) == (201, first.json()["ticket_id"] + 1)


async def test_a_refused_request_leaves_its_key_free(api):
    assert (await post(api, "key-1", subject="zzz")).status_code == 422
    assert (await post(api, "key-1")).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "\xe9", "x" * 256, "\x7f"])
async def test_a_key_is_1_to_255_visible_characters(shared_api, simulator, key):
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    refused = await shared_api.post(TICKETS, json=REQUEST, headers=headers)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert "POST /api/tickets/" not in simulator.requests()


async def test_the_longest_key_is_taken(api):
    assert (await post(api, "~" * 255)).status_code == 201


CUT_SHORT = {"kind": "drop", "mode": "mid"}  # the ticket is opened, but its answer is lost


async def test_an_uncertain_outcome_is_told_as_such_and_invites_no_second_ticket(api, simulator):
    await zone(api)
    simulator.fail(path="/api/tickets/", method="POST", **CUT_SHORT)
    answer = await post(api)
    assert (answer.status_code, answer.json()["type"].split(":")[-1]) == (504, "uncertain-outcome")
    assert "retry-after" not in answer.headers
    assert simulator.requests()["POST /api/tickets/"] == 1
    assert (await zone(api))["open_tickets"] == 1


async def test_a_repeat_after_an_uncertain_outcome_finds_the_ticket(api, simulator):
    simulator.fail(path="/api/tickets/", method="POST", **CUT_SHORT, count=1)
    assert (await post(api, "key-1")).status_code == 504
    found = await post(api, "key-1")
    again = await post(api, "key-1")
    assert (found.status_code, found.json()["service_id"], again.text) == (201, 7, found.text)
    assert simulator.requests()["POST /api/tickets/"] == 1


async def test_a_ticket_is_looked_for_in_the_state_that_new_ones_have(serve, settings, simulator):
    simulator.fail(path="/api/tickets/", method="POST", **CUT_SHORT, count=1)
    async with serve(msgspec.structs.replace(settings, default_ticket_status=3)) as api:
        answers = [await post(api, "key-1") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [504, 201]


async def test_a_repeat_that_finds_no_ticket_so_soon_does_not_open_one(api, simulator):
    simulator.fail(path="/api/tickets/", method="POST", kind="drop", mode="before", count=1)
    answers = [await post(api, "key-1") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [504, 504]
    assert "may still be opened" in answers[1].json()["detail"]
    assert simulator.requests()["POST /api/tickets/"] == 1


async def test_a_service_that_upstream_refuses_is_told_and_the_key_is_free(api, simulator):
    simulator.fail(path="/api/tickets/", method="POST", kind="status", status=503, count=1)
    refused, opened = await post(api, "key-1"), await post(api, "key-1")
    assert (refused.status_code, "retry-after" in refused.headers, opened.status_code) == (502, True, 201)


BAD = [
    ("GET", "/999999", None, 404, "No ticket has this ticket_id"),
    ("GET", "/abc", None, 422, "`ticket_id`"),
    ("GET", "/-1", None, 422, "`ticket_id`"),
    ("GET", f"/{10**30}", None, 422, "`ticket_id`"),
    ("GET", "/zone-blocked/x", None, 422, "`zone_id`"),
    ("POST", "", {"service_id": 999999}, 404, "No client has this service_id"),
    ("POST", "", {"service_id": "x"}, 422, "whole number"),
    ("POST", "", {"service_id": -1}, 422, "service_id"),
    ("POST", "", {"subject": "no tengo internet"}, 422, "Did you mean: No Tiene Internet"),
    ("POST", "", {"subject": "x" * 201}, 422, "subject"),
    ("POST", "", {"description": "  "}, 422, "`description`"),
    ("POST", "", {"description": "x" * 5001}, 422, "description"),
    ("POST", "", {"technician_id": 0}, 422, "technician_id"),
    ("POST", "", {"prioridad": 4}, 422, "unknown field"),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad[0]} {bad[1]} {str(bad[2])[:30]}")
async def test_bad_input_gets_a_problem_document_in_plain_words(shared_api, simulator, bad):
    method, path, changes, status, told = bad
    body = None if changes is None else REQUEST | changes
    answer = await shared_api.request(method, f"{TICKETS}{path}", json=body)
    assert (answer.status_code, told in answer.json()["detail"]) == (status, True), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "POST /api/tickets/" not in simulator.requests()


async def test_a_lone_surrogate_is_refused(shared_api):
    body = b'{"service_id": 7, "subject": "Internet Lento", "description": "\\ud800!"}'
    assert (await shared_api.post(TICKETS, content=body)).status_code == 400


async def test_a_client_without_a_technician_needs_one_to_be_named(api):
    clients = (await api.get("/api/v1/clients/")).json()
    nobodys = next(
        client["service_id"]
        for client in clients
        if client["technician_id"] is None and client["zone_id"] in (None, 5, 10)
    )
    assert "`technician_id`" in (await post(api, service_id=nobodys)).json()["detail"]
    opened = await post(api, service_id=nobodys, technician_id=91)
    assert (opened.status_code, opened.json()["technician_id"]) == (201, 91)


async def test_while_wisphub_net_is_down_a_ticket_cannot_be_read(serve, settings, simulator):
    simulator.fail(kind="status", status=403)
    async with serve(settings) as api:
        answers = [
            await api.get(f"{TICKETS}/5001"),
            await post(api),
            await api.get(f"{TICKETS}/zone-blocked/5"),
        ]
    assert [answer.status_code for answer in answers] == [502, 503, 503]
    assert all("retry-after" in answer.headers for answer in answers)


async def test_a_zones_state_is_cached_and_tells_its_age(api, simulator):
    await zone(api)
    answer = await api.get(f"{TICKETS}/zone-blocked/5")
    assert answer.headers["cache-status"].startswith("wisphub-api; hit; ttl=")
    assert 0 < int(answer.headers["cache-status"].split("=")[-1]) <= 60
    again = await api.get(f"{TICKETS}/zone-blocked/5", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert simulator.requests()["GET /api/tickets/"] == 1


async def test_what_a_subscriber_says_is_in_no_log_and_no_error(api, simulator, caplog):
    simulator.fail(path="/api/tickets/", method="POST", kind="status", status=400, count=1)
    simulator.fail(path="/api/tickets/", method="POST", kind="html", count=1)
    with caplog.at_level(logging.DEBUG, logger="wisphub_api"):
        answers = [
            await post(api),
            await post(api),
            await post(api, subject=SECRET),
            await post(api, technician_id=0),
        ]
    assert [answer.status_code for answer in answers] == [502, 504, 422, 422]
    assert SECRET not in caplog.text + "".join(answer.text for answer in answers)


async def test_every_answer_is_documented(shared_api):
    paths = (await shared_api.get("/docs/openapi.json")).json()["paths"]
    opening = paths[TICKETS]["post"]
    assert set(opening["responses"]) >= {"201", "400", "401", "404", "409", "413", "422", "502", "503", "504"}
    assert "Idempotency-Key" in [parameter["name"] for parameter in opening["parameters"]]
    assert {"200", "404", "502", "504"} <= set(paths[f"{TICKETS}/{{ticket_id}}"]["get"]["responses"])
