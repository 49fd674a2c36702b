"""When waiting for an answer has an end."""

import asyncio
from typing import Any

import pytest

from wisphub_api.web.server.client_disconnect import departure
from wisphub_api.web.server.draining import DRAINING


class Waiting:
    """A request whose caller has said all there is, and may hang up."""

    def __init__(self) -> None:
        self.told_to_stop = asyncio.Event()
        self.scope: Any = {"state": {DRAINING: self.told_to_stop}}
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.events.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self.receive = self.events.get


@pytest.fixture
def request_under_way() -> Any:
    return Waiting()


async def test_it_ends_when_the_caller_hangs_up(request_under_way):
    async with departure(request_under_way) as gone:
        await asyncio.sleep(0)
        assert not gone.done()
        request_under_way.events.put_nowait({"type": "http.disconnect"})
        await gone


async def test_it_ends_when_the_service_is_told_to_stop(request_under_way):
    async with departure(request_under_way) as gone:
        await asyncio.sleep(0)
        assert not gone.done()
        request_under_way.told_to_stop.set()
        await gone


async def test_a_server_that_does_not_tell_is_no_obstacle(request_under_way):
    request_under_way.scope["state"] = {}
    async with departure(request_under_way) as gone:
        request_under_way.events.put_nowait({"type": "http.disconnect"})
        await gone
