"""What is no one's fault but ours."""

import logging
from typing import Any

import httpx
import pytest
from litestar import Litestar, get, post
from litestar.exceptions import InternalServerException
from litestar.params import JSONBody

from wisphub_api import exceptions as faults
from wisphub_api.web.problems import _KINDS, exception_handlers

SUBSCRIBER = "Esperanza Benitez"


@get("/")
async def buggy() -> None:
    raise ZeroDivisionError(SUBSCRIBER)


async def test_a_bug_is_logged_with_its_place_but_without_its_message(caplog):
    app = Litestar([buggy], exception_handlers=exception_handlers(), logging_config=None, openapi_config=None)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar's types are stricter than ASGI's
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        with caplog.at_level(logging.ERROR):
            response = await client.get("/")
    assert response.status_code == 500
    assert response.json()["detail"] == "The service has a fault. It has been logged."
    assert "ZeroDivisionError" in caplog.text
    assert "in buggy" in caplog.text
    assert SUBSCRIBER not in caplog.text + response.text


@post("/", status_code=200)
async def reading(data: JSONBody[dict[str, str]]) -> None:
    del data
    raise InternalServerException(SUBSCRIBER)


async def ask(*messages: Any) -> int:
    """Post what these messages hold; gives the status that is counted, were anyone there to be told."""
    app = Litestar(
        [reading], exception_handlers=exception_handlers(), logging_config=None, openapi_config=None
    )
    coming, told = iter(messages), []

    async def receive() -> Any:
        return next(coming)

    async def send(message: Any) -> None:
        told.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    await app(scope, receive, send)  # type: ignore[arg-type]  # a server's scope holds more
    status: int = told[0]["status"]
    return status


async def test_who_hangs_up_in_the_midst_of_a_body_finds_no_fault_in_the_service(caplog):
    half = {"type": "http.request", "body": b'{"a"', "more_body": True}
    assert await ask(half, {"type": "http.disconnect"}) == 400
    assert caplog.text == ""


async def test_any_other_internal_error_is_a_bug_and_is_logged(caplog):
    assert await ask({"type": "http.request", "body": b"{}", "more_body": False}) == 500
    assert "unexpected InternalServerException" in caplog.text
    assert SUBSCRIBER not in caplog.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"adress": 1}', "adress"),
        (b'{"3104567890": 1}', "body"),
        (b'{"Esperanza": 1}', "body"),
        (b'{"a b": 1}', "body"),
    ],
)
async def test_an_unknown_field_is_named_where_it_looks_like_a_name(shared_api, body, field):
    answer = await shared_api.post("/api/v1/clients/7/verify", content=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_every_error_that_can_reach_a_consumer_has_its_row_in_the_table():
    unavailable = {faults.CacheUnavailable, faults.NotFreshEnough, faults.DiagnosticsBusy}
    reachable = {*faults.RequestError.__subclasses__(), *faults.UpstreamError.__subclasses__(), *unavailable}
    assert reachable == set(_KINDS)
