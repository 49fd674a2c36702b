"""What the service would meet if it were started now: each part asked for once, told in plain words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from msgspec import Struct

from wisphub_api.exceptions import UpstreamError
from wisphub_api.internet_plans.service import load_catalogue
from wisphub_api.setting_values import Secret
from wisphub_api.settings import Settings
from wisphub_api.upstream.client import WispHubNet
from wisphub_api.upstream.first_page import first_clients, never_filled
from wisphub_api.upstream.payment_methods import read_payment_methods
from wisphub_api.upstream.reason import reason
from wisphub_api.upstream.tickets import read_tickets


class Finding(Struct, frozen=True):
    """What was found out about one part."""

    is_good: bool
    part: str
    told: str


class NotAsExpected(Exception):
    """An answer could be read, and is not what the service needs."""


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """Ask for one part after the other; where WispHub Net is not reached, for none of its own."""
    if settings.redis_url is not None:
        yield await _find_redis(settings.redis_url)
    first = await _find("WispHub Net", _reach, settings)
    yield first
    if first.is_good:
        for part, look in _LOOKS.items():
            yield await _find(part, look, settings)


async def _find_redis(url: Secret) -> Finding:
    from wisphub_api.shared.redis_link import RedisLink  # noqa: PLC0415  # an extra, needed where it is set

    async with RedisLink(url.reveal()) as link:
        state = link.state()
    told = "answers, and takes what it is given" if state.why is None else state.why
    return Finding(is_good=state.why is None, part="Redis", told=told)


async def _find(part: str, look: Look, settings: Settings) -> Finding:
    """Look with a client of its own: what fails in one part says nothing of the next."""
    try:
        async with WispHubNet(settings) as net:
            return Finding(is_good=True, part=part, told=await look(net, settings))
    except UpstreamError as error:
        return Finding(is_good=False, part=part, told=reason(error))
    except NotAsExpected as error:
        return Finding(is_good=False, part=part, told=str(error))


async def _reach(net: WispHubNet, _: Settings) -> str:
    page = await first_clients(net)
    clients = [row.client for row in page.rows if row is not None]
    if not clients:
        raise NotAsExpected("reached, and it lists no client: is this the right account?")
    missing = ", ".join(never_filled(clients)) or "no field"
    told = f"reached, key accepted; of {page.count} clients the first {len(page.rows)} were read"
    return f"{told}, {page.rows.count(None)} without a usable id; never filled: {missing}"


async def _by_id(net: WispHubNet, _: Settings) -> str:
    page = await first_clients(net)
    wanted = next(row.service_id for row in page.rows if row is not None)
    if await net.find_client(wanted) is None:
        raise NotAsExpected("WispHub Net does not find by its id a client that it lists")
    return "found"


async def _plans(net: WispHubNet, _: Settings) -> str:
    catalogue = await load_catalogue(net, None)
    priced = sum(plan.price is not None for plan in catalogue.plans)
    return f"{len(catalogue)} read, {priced} with a price"


async def _tickets(net: WispHubNet, settings: Settings) -> str:
    return f"{len(await read_tickets(net, settings.active_ticket_states))} open"


async def _payment_methods(net: WispHubNet, _: Settings) -> str:
    return f"{len((await read_payment_methods(net)).rows)} read"


Look = Callable[[WispHubNet, Settings], Awaitable[str]]
_LOOKS: Final[dict[str, Look]] = {
    "one client by its id": _by_id,
    "internet plans": _plans,
    "tickets": _tickets,
    "payment methods": _payment_methods,
}
