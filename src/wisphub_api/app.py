"""The only place where the parts of the service meet."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from typing import Final

from litestar import Litestar
from litestar.di import Provide

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.slot import Policy
from wisphub_api.clients.attempts import FailedAttempts
from wisphub_api.clients.controller import ClientController
from wisphub_api.clients.directory import Directory
from wisphub_api.clients.service import ClientService, load_directory
from wisphub_api.clients.update import ClientUpdates
from wisphub_api.internet_plans.controller import InternetPlanController
from wisphub_api.internet_plans.models import PlanCatalogue
from wisphub_api.internet_plans.service import PlanService, load_catalogue
from wisphub_api.network.controller import NetworkController
from wisphub_api.network.diagnostic import PingPolicy
from wisphub_api.network.service import NetworkService
from wisphub_api.network.task_ids import TaskIds
from wisphub_api.payment_methods.controller import PaymentMethodController
from wisphub_api.payment_methods.service import PaymentMethods, PaymentMethodService, load_payment_methods
from wisphub_api.settings import Settings, read_settings
from wisphub_api.tickets.controller import TicketController
from wisphub_api.tickets.due_date import colombian_days_off
from wisphub_api.tickets.opening import Desk
from wisphub_api.tickets.service import Rules, TicketService
from wisphub_api.tickets.zones import OpenTickets, ZoneLimit, load_open_tickets
from wisphub_api.upstream.client import WispHubNet
from wisphub_api.upstream.network import PingCalls
from wisphub_api.web.docs import PATH as DOCS
from wisphub_api.web.docs import assets_router, openapi_config
from wisphub_api.web.gate import cors_config, gate, key_ring, shell
from wisphub_api.web.head import answering_head
from wisphub_api.web.health import CacheController, HealthController
from wisphub_api.web.metrics import (
    CacheFigures,
    MetricsController,
    UpstreamFigures,
    counting_calls,
    counting_requests,
    new_registry,
    watching_loop,
)
from wisphub_api.web.problems import BODY_MAX_BYTES, exception_handlers
from wisphub_api.web.telemetry import logging_config

logger = logging.getLogger(__name__)

TICKETS_TTL_S: Final = 60.0
TICKETS_MAX_STALE_S: Final = 600.0
"""An older count of a zone's open tickets says nothing about its limit."""


def create_app(settings: Settings | None = None) -> Litestar:
    """Put the service together; nothing is asked of WispHub Net until it starts.

    Args:
        settings: Read from the environment where not given.

    Raises:
        SettingsError: The environment cannot be used.
    """
    settings = settings or read_settings()
    ring = key_ring(settings)
    registry = new_registry()
    net = WispHubNet(settings, observe=counting_calls(registry))
    plans = plan_cache(settings, net)
    directory = directory_cache(settings, net)
    payment_methods = payment_method_cache(settings, net)
    open_tickets = open_ticket_cache(settings, net)
    network = network_service(settings, net, directory)
    failures = FailedAttempts(settings.verify_max_failures)
    clients = ClientService(directory, plans, failures, settings.verify_min_fields)
    registry.register(CacheFigures((directory, plans, payment_methods, open_tickets)))
    registry.register(UpstreamFigures(net.budget, net.breaker))
    loop_lag = watching_loop(registry)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None, None]:
        if settings.is_open:
            logger.warning("no API key is asked for: everyone who can reach the port may read the clients")
        async with (
            ring or nullcontext(),
            loop_lag,
            net,
            directory,
            plans,
            payment_methods,
            open_tickets,
            network,
        ):
            yield

    app = Litestar(
        route_handlers=[
            ClientController,
            InternetPlanController,
            NetworkController,
            PaymentMethodController,
            TicketController,
            CacheController,
            HealthController,
            MetricsController,
            assets_router(),
        ],
        dependencies={
            "clients": _given(clients),
            "client_updates": _given(ClientUpdates(directory, net, settings.net_timeout_s)),
            "plans": _given(PlanService(plans)),
            "payment_methods": _given(PaymentMethodService(payment_methods)),
            "network": _given(network),
            "tickets": _given(ticket_service(settings, net, directory, open_tickets)),
            "caches": _given((directory, plans, payment_methods, open_tickets)),
            "needed": _given((directory, plans)),  # without the others nearly all can be answered
            "registry": _given(registry),
        },
        # Litestar's own handlers of the API pages take no `opt`: they are let through by their path.
        middleware=gate(settings, ring, open_path=DOCS),
        cors_config=cors_config(settings),
        exception_handlers=exception_handlers(),
        request_max_body_size=BODY_MAX_BYTES,
        openapi_config=openapi_config(),
        logging_config=logging_config(),
        lifespan=[lifespan],
    )
    app.asgi_handler = answering_head(counting_requests(shell(app.asgi_handler), registry))
    return app


def directory_cache(settings: Settings, net: WispHubNet) -> Cached[Directory]:
    """Make the cache of all clients."""
    policy = Policy(settings.clients_ttl_s, settings.max_stale_s, settings.cold_wait_s)
    return Cached("clients", lambda previous: load_directory(net, previous), policy, len)


def plan_cache(settings: Settings, net: WispHubNet) -> Cached[PlanCatalogue]:
    """Make the cache of all internet plans."""
    policy = Policy(settings.plans_ttl_s, settings.max_stale_s, settings.cold_wait_s)
    return Cached("internet-plans", lambda previous: load_catalogue(net, previous), policy, len)


def payment_method_cache(settings: Settings, net: WispHubNet) -> Cached[PaymentMethods]:
    """Make the cache of all payment methods."""
    policy = Policy(settings.payment_methods_ttl_s, settings.max_stale_s, settings.cold_wait_s)
    return Cached("payment-methods", lambda _: load_payment_methods(net), policy, len)


def open_ticket_cache(settings: Settings, net: WispHubNet) -> Cached[OpenTickets]:
    """Make the cache of the open tickets, which a zone's limit is checked against."""
    states = settings.active_ticket_states
    policy = Policy(TICKETS_TTL_S, min(settings.max_stale_s, TICKETS_MAX_STALE_S), settings.cold_wait_s)
    return Cached("open-tickets", lambda _: load_open_tickets(net, states), policy, len)


def ticket_service(
    settings: Settings, net: WispHubNet, directory: Cached[Directory], open_tickets: Cached[OpenTickets]
) -> TicketService:
    """Make the service for support tickets."""
    zones = ZoneLimit(open_tickets, settings.max_active_tickets_per_zone)
    states = tuple(sorted({settings.default_ticket_status, *settings.active_ticket_states}))
    days_off = colombian_days_off(settings.extra_holidays)
    rules = Rules(settings.default_ticket_status, settings.max_ticket_resolution_days, days_off)
    return TicketService(net, directory, zones, Desk(net, zones, states), rules)


def network_service(settings: Settings, net: WispHubNet, directory: Cached[Directory]) -> NetworkService:
    """Make the service for ping diagnostics; half of all calls are left to the others."""
    calls = PingCalls(net, at_once=max(1, settings.net_concurrency // 2))
    policy = PingPolicy(poll_s=settings.ping_poll_s, reuse_s=settings.ping_reuse_s)
    return NetworkService(directory, calls, TaskIds(settings.net_key), policy)


def _given(value: object) -> Provide:
    """Hand `value` to the handlers that ask for it."""
    return Provide(lambda: value, use_cache=True, sync_to_thread=False)
