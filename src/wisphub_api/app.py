"""The only place where the parts of the service meet."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.di import Provide
from prometheus_client import CollectorRegistry

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.slot import Policy
from wisphub_api.clients.attempts import FailedAttempts
from wisphub_api.clients.controller import ClientController
from wisphub_api.clients.directory import Directory
from wisphub_api.clients.service import ClientService, load_directory
from wisphub_api.internet_plans.controller import InternetPlanController
from wisphub_api.internet_plans.models import PlanCatalogue
from wisphub_api.internet_plans.service import PlanService, load_catalogue
from wisphub_api.settings import Settings, read_settings
from wisphub_api.upstream.client import WispHubNet
from wisphub_api.web.auth import api_key_middleware
from wisphub_api.web.docs import PATH as DOCS
from wisphub_api.web.docs import assets_router, openapi_config
from wisphub_api.web.head import answering_head
from wisphub_api.web.health import CacheController, Caches, HealthController
from wisphub_api.web.metrics import (
    CacheFigures,
    MetricsController,
    counting_calls,
    counting_requests,
    new_registry,
    watching_loop,
)
from wisphub_api.web.problems import BODY_MAX_BYTES, exception_handlers
from wisphub_api.web.telemetry import logging_config

logger = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> Litestar:
    """Put the service together; nothing is asked of WispHub Net until it starts.

    Args:
        settings: Read from the environment where not given.

    Raises:
        SettingsError: The environment cannot be used.
    """
    settings = settings or read_settings()
    registry = new_registry()
    net = WispHubNet(settings, observe=counting_calls(registry))
    plans = plan_cache(settings, net)
    directory = directory_cache(settings, net)
    failures = FailedAttempts(settings.verify_max_failures)
    clients = ClientService(directory, plans, failures, settings.verify_min_fields)
    registry.register(CacheFigures((directory, plans)))
    loop_lag = watching_loop(registry)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None, None]:
        if settings.is_open:
            logger.warning("no API key is asked for: everyone who can reach the port may read the clients")
        async with loop_lag, net, directory, plans:
            yield

    app = Litestar(
        route_handlers=[
            ClientController,
            InternetPlanController,
            CacheController,
            HealthController,
            MetricsController,
            assets_router(),
        ],
        dependencies={
            "clients": _given(clients),
            "plans": _given(PlanService(plans)),
            "caches": _given((directory, plans)),
            "registry": _given(registry),
        },
        # Litestar's own handlers of the API pages take no `opt`: they are let through by their path.
        middleware=[api_key_middleware(settings, exclude=[f"^{DOCS}($|/)"])],
        exception_handlers=exception_handlers(),
        request_max_body_size=BODY_MAX_BYTES,
        openapi_config=openapi_config(),
        logging_config=logging_config(),
        lifespan=[lifespan],
    )
    app.asgi_handler = answering_head(counting_requests(app.asgi_handler, registry))
    return app


def directory_cache(settings: Settings, net: WispHubNet) -> Cached[Directory]:
    """Make the cache of all clients."""
    policy = Policy(settings.clients_ttl_s, settings.max_stale_s, settings.cold_wait_s)
    return Cached("clients", lambda previous: load_directory(net, previous), policy, len)


def plan_cache(settings: Settings, net: WispHubNet) -> Cached[PlanCatalogue]:
    """Make the cache of all internet plans."""
    policy = Policy(settings.plans_ttl_s, settings.max_stale_s, settings.cold_wait_s)
    return Cached("internet-plans", lambda previous: load_catalogue(net, previous), policy, len)


def _given(value: ClientService | PlanService | Caches | CollectorRegistry) -> Provide:
    """Hand `value` to the handlers that ask for it."""
    return Provide(lambda: value, use_cache=True, sync_to_thread=False)
