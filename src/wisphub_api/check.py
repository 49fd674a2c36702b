"""Check the service's environment: call WispHub Net's resources and Redis once each."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct

from wisphub_api.clients.models import Client
from wisphub_api.clients.upstream import find_client, read_first_clients
from wisphub_api.exceptions import (
    UpstreamError,
    UpstreamFailed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreadable,
)
from wisphub_api.internet_plans.service import load_catalogue
from wisphub_api.payment_methods.upstream import read_payment_methods
from wisphub_api.setting_values import Secret
from wisphub_api.settings import Settings
from wisphub_api.tickets.upstream import read_tickets
from wisphub_api.upstream.client import WispHubNet


class Finding(Struct, frozen=True):
    """The result of checking one part."""

    is_good: bool
    part: str
    detail: str


class NotAsExpected(Exception):
    """An answer that is readable, but not what the service needs."""


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """Yield the finding of each part; those of WispHub Net only if it can be reached."""
    if settings.redis_url is not None:
        yield await _find_redis(settings.redis_url)
    first = await _find("WispHub Net", _reach, settings)
    yield first
    if first.is_good:
        for part, check in _CHECKS.items():
            yield await _find(part, check, settings)


async def _find_redis(url: Secret) -> Finding:
    from wisphub_api.shared.redis_link import RedisLink  # noqa: PLC0415  # an extra, needed where it is set

    async with RedisLink(url.reveal()) as link:
        state = link.state()
    detail = "answers, and takes what it is given" if state.why is None else state.why
    return Finding(is_good=state.why is None, part="Redis", detail=detail)


async def _find(part: str, check: Check, settings: Settings) -> Finding:
    """Check one part with its own HTTP client, so that a failure does not affect the next part."""
    try:
        async with WispHubNet(settings) as net:
            return Finding(is_good=True, part=part, detail=await check(net, settings))
    except UpstreamError as error:
        return Finding(is_good=False, part=part, detail=reason(error))
    except NotAsExpected as error:
        return Finding(is_good=False, part=part, detail=str(error))


async def _reach(net: WispHubNet, _: Settings) -> str:
    page = await read_first_clients(net)
    clients = [row.client for row in page.rows if row is not None]
    if not clients:
        raise NotAsExpected("reached, and it lists no client: is this the right account?")
    missing = ", ".join(never_filled(clients)) or "no field"
    detail = f"reached, key accepted; of {page.count} clients the first {len(page.rows)} were read"
    return f"{detail}, {page.rows.count(None)} without a usable id; never filled: {missing}"


async def _by_id(net: WispHubNet, _: Settings) -> str:
    page = await read_first_clients(net)
    wanted = next(row.service_id for row in page.rows if row is not None)
    if await find_client(net, wanted) is None:
        raise NotAsExpected("WispHub Net does not find by its id a client that it lists")
    return "found"


async def _plans(net: WispHubNet, _: Settings) -> str:
    catalogue = await load_catalogue(net, None)
    priced = sum(plan.price is not None for plan in catalogue.plans)
    return f"{len(catalogue)} read, {priced} with a price"


async def _tickets(net: WispHubNet, settings: Settings) -> str:
    return f"{len(await read_tickets(net, settings.active_ticket_states))} open"


async def _payment_methods(net: WispHubNet, _: Settings) -> str:
    return f"{len(await read_payment_methods(net))} read"


def never_filled(clients: Sequence[Client]) -> list[str]:
    """Return the names of the fields that are null in every client."""
    names = [field.name for field in msgspec.structs.fields(Client)]
    return [name for name in names if all(getattr(client, name) is None for client in clients)]


_HINTS: Final[dict[type[UpstreamError], str]] = {
    UpstreamRateLimited: "try again later, and look at WISPHUB_NET_RATE",
    UpstreamRefused: "look for the key in WispHub Net, and at what it may be used for",
    UpstreamTimeout: "it is slow, hangs, or is behind a firewall; WISPHUB_NET_TIMEOUT says how long to wait",
    UpstreamUnreadable: "half an answer, a proxy's page, or something else than WispHub Net's API",
}


def reason(error: UpstreamError) -> str:
    """Return what went wrong and where to look, for the person who sets the service up."""
    below = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in below):
        return "its name is not known: look at WISPHUB_NET_HOST, and at this machine's DNS"
    if any(isinstance(cause, ConnectionRefusedError) for cause in below):
        return "nothing listens there: look at WISPHUB_NET_HOST and its port"
    if tls := next((cause for cause in below if isinstance(cause, ssl.SSLError)), None):
        return f"no TLS connection: {getattr(tls, 'verify_message', '') or tls.reason}"
    hint = _HINTS.get(type(error), "")
    if isinstance(error, UpstreamFailed) and error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        hint = "is WISPHUB_NET_HOST the address of the API?"
    return f"{error}: {hint}" if hint else str(error)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors that led to this one, the latest first."""
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


Check = Callable[[WispHubNet, Settings], Awaitable[str]]
_CHECKS: Final[dict[str, Check]] = {
    "one client by its id": _by_id,
    "internet plans": _plans,
    "tickets": _tickets,
    "payment methods": _payment_methods,
}
