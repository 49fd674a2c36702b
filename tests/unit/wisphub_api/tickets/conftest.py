"""An order, and a opener whose WispHub Net is a list of tickets that may fail to answer."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import httpx
import msgspec
import pytest

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.slot import Policy
from wisphub_api.setting_values import Secret
from wisphub_api.settings import Settings
from wisphub_api.tickets.due_date import COLOMBIA
from wisphub_api.tickets.models import TicketOrder
from wisphub_api.tickets.opening import TicketOpener
from wisphub_api.tickets.zones import Opened, OpenTickets, ZoneLimit, load_open_tickets
from wisphub_api.upstream.client import WispHubNet

NOW = dt.datetime(2026, 11, 23, 10, 15, tzinfo=COLOMBIA)
SETTINGS = Settings(net_host="https://net.example", net_key=Secret("the-key"))


class Upstream:
    """Opens tickets from forms and lists them; `posts` and `gets` hold what it does instead, first to last.

    An error in `posts` comes after the ticket was opened where `opens_before_failing`.
    """

    def __init__(self) -> None:
        self.tickets: list[dict[str, Any]] = []
        self.posts: list[httpx.Response | Exception | None] = []
        self.gets: list[httpx.Response | Exception | None] = []
        self.opens_before_failing = False
        self.delay_s = 0.0
        self.posted = 0

    async def handle(self, request: httpx.Request) -> httpx.Response:
        answers = self.posts if request.method == "POST" else self.gets
        trouble = answers.pop(0) if answers else None
        self.posted += request.method == "POST"
        await asyncio.sleep(self.delay_s)
        if trouble is not None and not (self.opens_before_failing and request.method == "POST"):
            return self.fail(trouble)
        answer = self.open(request) if request.method == "POST" else self.list()
        return answer if trouble is None else self.fail(trouble)

    @staticmethod
    def fail(trouble: httpx.Response | Exception) -> httpx.Response:
        if isinstance(trouble, Exception):
            raise trouble
        return trouble

    def list(self) -> httpx.Response:
        return httpx.Response(200, json={"count": len(self.tickets), "results": self.tickets})

    def open(self, request: httpx.Request) -> httpx.Response:
        form = read_form(request)
        self.add(zone=5, service=int(form["servicio"]), subject=form["asunto"], start=form["fecha_inicio"])
        return httpx.Response(201, json={"id_ticket": self.tickets[-1]["id_ticket"]})

    def add(
        self, zone: int | None, service: int = 1, subject: str = "Otro", start: str | None = None
    ) -> None:
        self.tickets.append(
            {
                "id_ticket": 5001 + len(self.tickets),
                "asunto": subject,
                "estado": 1,
                "fecha_estimada_inicio": start,
                "servicio": {"id_servicio": service, "zona": zone and {"id": zone}},
            }
        )


def read_form(request: httpx.Request) -> dict[str, str]:
    """Read a multipart form by the standard library's own rules."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.content)
    parts: Any = message.get_payload()
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True).decode()
        for part in parts
    }


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
async def net(upstream) -> AsyncIterator[WispHubNet]:
    async with WispHubNet(SETTINGS, httpx.MockTransport(upstream.handle)) as net:
        yield net


@pytest.fixture
async def open_tickets(net) -> AsyncIterator[Cached[OpenTickets]]:
    """Cache the open tickets for a minute of the loop's time."""
    async with Cached(
        "open-tickets",
        lambda _: load_open_tickets(net, [1]),
        Policy(60, 600, 10),
        len,
        clock=lambda: asyncio.get_running_loop().time(),
        draw=lambda: 0.5,  # the loop's time moves in steps, which not every moment falls on
    ) as cache:
        yield cache


class WorkersTickets(Cached[OpenTickets]):
    """The open tickets as one of several workers has them: it hears of others' when it catches up."""

    def __init__(self, net: WispHubNet, sent: list[Opened]) -> None:
        clock = asyncio.get_running_loop().time
        super().__init__(
            "open-tickets", lambda _: load_open_tickets(net, [1]), Policy(60, 600, 10), len, clock=clock
        )
        self._sent = sent
        self._heard = 0

    async def amend(self, change: Any) -> None:
        """Write, and broadcast it; that takes longer than to take a place."""
        await super().amend(change)
        await asyncio.sleep(0.02)
        self._sent.append(change)

    async def catch_up(self) -> None:
        """Hear of all that was broadcast; that takes a moment."""
        await asyncio.sleep(0.001)
        for change in self._sent[self._heard :]:
            await super().amend(change)
        self._heard = len(self._sent)


@pytest.fixture
async def zones_of_workers(net, distant) -> AsyncIterator[list[ZoneLimit]]:
    """Give the limit as each of three workers keeps it."""
    sent: list[Opened] = []
    async with AsyncExitStack() as stack:
        caches = [await stack.enter_async_context(WorkersTickets(net, sent)) for _ in range(3)]
        yield [ZoneLimit(cache, distant, most=3) for cache in caches]


@pytest.fixture
def zones(open_tickets, store) -> ZoneLimit:
    return ZoneLimit(open_tickets, store, most=3)


@pytest.fixture
def opener(net, zones) -> TicketOpener:
    return TicketOpener(net, zones, (1,), clock=lambda: asyncio.get_running_loop().time())


@pytest.fixture
def order() -> TicketOrder:
    return TicketOrder(
        service_id=7,
        zone_id=5,
        technician_id=91,
        subject="Internet Lento",
        priority=2,
        description="Muy lento desde ayer",
        status=1,
        starts_at=NOW,
        due_at=NOW + dt.timedelta(days=3),
    )


@pytest.fixture
def zoneless(order) -> TicketOrder:
    """Order a ticket for a client of no known zone."""
    changed: TicketOrder = msgspec.structs.replace(order, zone_id=None)
    return changed
