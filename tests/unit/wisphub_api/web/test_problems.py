"""What is no one's fault but ours."""

import logging

import httpx
from litestar import Litestar, get

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


def test_every_error_that_can_reach_a_consumer_has_its_row_in_the_table():
    unavailable = {faults.CacheUnavailable, faults.NotFreshEnough, faults.DiagnosticsBusy}
    reachable = {*faults.RequestError.__subclasses__(), *faults.UpstreamError.__subclasses__(), *unavailable}
    assert reachable == set(_KINDS)
