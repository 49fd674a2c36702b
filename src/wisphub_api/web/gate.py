"""What stands between the network and the routes, as the settings ask for it."""

from __future__ import annotations

from typing import Final

from litestar.config.cors import CORSConfig
from litestar.types import ASGIApp

from wisphub_api.settings import Settings
from wisphub_api.shared.backend import Backend as Store
from wisphub_api.web.auth import Wrap, checking_keys
from wisphub_api.web.hosts import checking_host
from wisphub_api.web.keys import KeyRing
from wisphub_api.web.rate_limit import RateLimit, limiting_rate
from wisphub_api.web.security_headers import adding_security_headers
from wisphub_api.web.size_limits import limiting_size

_ASKED: Final = [
    *("Cache-Control", "Content-Type", "Idempotency-Key", "If-None-Match"),
    *("X-API-Key", "X-Request-ID"),
]
_TOLD: Final = [
    *("Age", "Cache-Status", "ETag", "Location", "X-Request-ID", "X-Total-Count"),
    *("RateLimit", "RateLimit-Policy", "Retry-After"),
]


def key_ring(settings: Settings) -> KeyRing | None:
    """Make the ring of known keys; None where no key is asked for.

    Raises:
        SettingsError: The file of keys cannot be used.
    """
    return None if settings.is_open else KeyRing(settings.api_keys, settings.api_keys_file)


def gate(settings: Settings, ring: KeyRing | None, store: Store, open_path: str) -> list[Wrap]:
    """Give the middleware of all routes, the outermost first: host, key and scope, rate limit."""
    host = [checking_host(frozenset(settings.allowed_hosts))] if settings.allowed_hosts else []
    rate = [limiting_rate(RateLimit(settings.rate_limit, store))] if settings.rate_limit else []
    return [*host, checking_keys(ring, open_path), *rate]


def shell(app: ASGIApp) -> ASGIApp:
    """Wrap the whole application, router and all: oversized requests end here, answers get their headers."""
    return adding_security_headers(limiting_size(app))


def cors_config(settings: Settings) -> CORSConfig | None:
    """Let the scripts of the named pages ask; without any, no header invites one."""
    if not settings.cors_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
        allow_headers=_ASKED,
        expose_headers=_TOLD,
    )
