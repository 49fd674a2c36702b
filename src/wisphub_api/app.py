"""The only place where the parts of the service meet."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Final

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from wisphub_api.cache.answers import Answers
from wisphub_api.cache.cached import Cached
from wisphub_api.cache.slot import Policy
from wisphub_api.clients.attempts import FailedAttempts
from wisphub_api.clients.checks import CheckRules, IdentityChecks
from wisphub_api.clients.controller import ClientController
from wisphub_api.clients.service import ClientService, load_directory
from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.clients.update import ClientUpdates
from wisphub_api.copies import CLIENTS, INTERNET_PLANS, OPEN_TICKETS, PAYMENT_METHODS
from wisphub_api.internet_plans.controller import InternetPlanController
from wisphub_api.internet_plans.models import PlanCatalogue
from wisphub_api.internet_plans.service import PlanService, load_catalogue
from wisphub_api.memory import give_back_what_is_freed
from wisphub_api.network.controller import NetworkController
from wisphub_api.network.diagnostic import PingPolicy
from wisphub_api.network.service import NetworkService
from wisphub_api.network.shared_pings import SharedPings
from wisphub_api.network.task_ids import TaskIds
from wisphub_api.network.upstream import PingCalls
from wisphub_api.payment_methods.controller import PaymentMethodController
from wisphub_api.payment_methods.service import PaymentMethods, PaymentMethodService, load_payment_methods
from wisphub_api.settings import Settings, read_settings
from wisphub_api.shared.backend import Backend
from wisphub_api.sharing import Sharing
from wisphub_api.tickets.controller import TicketController
from wisphub_api.tickets.due_date import colombian_days_off
from wisphub_api.tickets.idempotency import IdempotencyStore
from wisphub_api.tickets.opening import TicketOpener
from wisphub_api.tickets.service import Rules, TicketService
from wisphub_api.tickets.zones import OpenTickets, ZoneLimit, load_open_tickets
from wisphub_api.upstream.client import WispHubNet
from wisphub_api.web.cors import cors_config
from wisphub_api.web.docs import PATH as DOCS
from wisphub_api.web.docs import assets_router, openapi_config
from wisphub_api.web.fast_path import FAST_PATH, FastPath, routes_of
from wisphub_api.web.health import CacheController, HealthController
from wisphub_api.web.middleware import observing
from wisphub_api.web.parameters import refusing_loose_values
from wisphub_api.web.problems import BODY_MAX_BYTES, exception_handlers
from wisphub_api.web.rules.admission import Admission, admitting
from wisphub_api.web.rules.keys import KeyRing
from wisphub_api.web.rules.rate_limit import RateLimit
from wisphub_api.web.telemetry.metrics import (
    CacheFigures,
    MetricsController,
    UpstreamFigures,
    counting_checks,
)
from wisphub_api.web.telemetry.recorder import Telemetry
from wisphub_api.web.telemetry.sharing_metrics import SharingFigures

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
    ring = None if settings.is_open else KeyRing(settings.api_keys, settings.api_keys_file)
    telemetry = Telemetry(settings)
    net = WispHubNet(settings, observe=telemetry.note_call)
    sharing = Sharing(settings, net.budget)
    store = sharing.store
    rate = RateLimit(settings.rate_limit, store) if settings.rate_limit else None
    admission = Admission(settings.allowed_hosts, ring, rate)
    answers = Answers()
    plans = plan_cache(settings, net, sharing)
    directory = directory_cache(settings, net, sharing)
    payment_methods = payment_method_cache(settings, net, sharing)
    open_tickets = open_ticket_cache(settings, net, sharing)
    network = network_service(settings, net, directory, store)
    zones = ZoneLimit(open_tickets, store, settings.max_active_tickets_per_zone)
    failures = FailedAttempts(store, settings.verify_max_failures, settings.verify_max_failures_per_key)
    rules = CheckRules(settings.verify_min_fields, failures, counting_checks(telemetry.registry))
    telemetry.registry.register(CacheFigures((directory, plans, payment_methods, open_tickets)))
    telemetry.registry.register(UpstreamFigures(net.budget, net.breaker))
    telemetry.registry.register(
        SharingFigures(sharing.link_state, (directory, plans, payment_methods, open_tickets))
    )

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None, None]:
        give_back_what_is_freed()
        if settings.is_open:
            logger.warning("no API key is asked for: everyone who can reach the port may read the clients")
        async with (
            ring or nullcontext(),
            telemetry,
            net,
            sharing.open(directory, plans, payment_methods, open_tickets),
            network,
        ):
            yield

    checks = IdentityChecks(directory, plans, rules)
    needed = (directory, plans)  # without the others nearly all can be answered
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
            "clients": _given(ClientService(directory, answers)),
            "checks": _given(checks),
            "client_updates": _given(ClientUpdates(directory, net, settings.net_timeout_s)),
            "plans": _given(PlanService(plans)),
            "payment_methods": _given(PaymentMethodService(payment_methods)),
            "network": _given(network),
            "tickets": _given(ticket_service(settings, net, directory, zones, store)),
            "caches": _given((directory, plans, payment_methods, open_tickets)),
            "needed": _given(needed),
            "link": _given(sharing.link_state),
            "registry": _given(telemetry.page),
        },
        # Litestar's own handlers of the API pages take no `opt`: they are let through by their path.
        middleware=[admitting(admission, open_path=DOCS)],
        before_request=refusing_loose_values(),
        cors_config=cors_config(settings.cors_origins),
        exception_handlers=exception_handlers(),
        request_max_body_size=BODY_MAX_BYTES,
        openapi_config=openapi_config(),
        logging_config=None,  # `telemetry` takes over the logging of this process
        lifespan=[lifespan],
        state=State({"needed": needed}),
    )
    app.asgi_handler = observing(app.asgi_handler, telemetry, rate)
    routes = routes_of(
        app, {cache.name: cache for cache in (directory, plans, payment_methods)} | {"checks": checks}
    )
    app.state[FAST_PATH] = FastPath(
        routes, admission, telemetry, answers, has_cors=bool(settings.cors_origins)
    )
    return app


def directory_cache(settings: Settings, net: WispHubNet, sharing: Sharing) -> Cached[Directory]:
    """Make the cache of all clients."""
    policy = Policy(settings.clients_ttl_s, settings.max_stale_s, settings.cold_wait_s)
    return sharing.cached("clients", partial(load_directory, net), policy, len, CLIENTS)


def plan_cache(settings: Settings, net: WispHubNet, sharing: Sharing) -> Cached[PlanCatalogue]:
    """Make the cache of all internet plans."""
    policy = Policy(settings.plans_ttl_s, settings.max_stale_s, settings.cold_wait_s)
    return sharing.cached("internet-plans", partial(load_catalogue, net), policy, len, INTERNET_PLANS)


def payment_method_cache(settings: Settings, net: WispHubNet, sharing: Sharing) -> Cached[PaymentMethods]:
    """Make the cache of all payment methods."""
    policy = Policy(settings.payment_methods_ttl_s, settings.max_stale_s, settings.cold_wait_s)
    return sharing.cached(
        "payment-methods", lambda _: load_payment_methods(net), policy, len, PAYMENT_METHODS
    )


def open_ticket_cache(settings: Settings, net: WispHubNet, sharing: Sharing) -> Cached[OpenTickets]:
    """Make the cache of the open tickets, which a zone's limit is checked against."""
    states = settings.active_ticket_states
    policy = Policy(TICKETS_TTL_S, min(settings.max_stale_s, TICKETS_MAX_STALE_S), settings.cold_wait_s)
    return sharing.cached("open-tickets", lambda _: load_open_tickets(net, states), policy, len, OPEN_TICKETS)


def ticket_service(
    settings: Settings, net: WispHubNet, directory: Cached[Directory], zones: ZoneLimit, store: Backend
) -> TicketService:
    """Make the service for support tickets."""
    states = tuple(sorted({settings.default_ticket_status, *settings.active_ticket_states}))
    days_off = colombian_days_off(settings.extra_holidays)
    rules = Rules(settings.default_ticket_status, settings.max_ticket_resolution_days, days_off)
    return TicketService(net, directory, TicketOpener(net, zones, states), IdempotencyStore(store), rules)


def network_service(
    settings: Settings, net: WispHubNet, directory: Cached[Directory], store: Backend
) -> NetworkService:
    """Make the service for ping diagnostics; half of all calls are left to the others."""
    calls = PingCalls(net, at_once=max(1, settings.net_concurrency // 2))
    policy = PingPolicy(poll_s=settings.ping_poll_s, reuse_s=settings.ping_reuse_s)
    shared = SharedPings(store, policy.patience_s, policy.reuse_s)
    return NetworkService(directory, calls, TaskIds(settings.net_key), policy, shared)


def _given(value: object) -> Provide:
    """Hand `value` to the handlers that ask for it."""
    return Provide(lambda: value, use_cache=True, sync_to_thread=False)
