"""Which web pages' scripts may ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litestar.config.cors import CORSConfig

_REQUEST_FIELDS: Final = [
    *("Cache-Control", "Content-Type", "Idempotency-Key", "If-None-Match"),
    *("X-API-Key", "X-Request-ID"),
]
_ANSWER_FIELDS: Final = [
    *("Age", "Cache-Status", "ETag", "Location", "X-Request-ID", "X-Total-Count"),
    *("RateLimit", "RateLimit-Policy", "Retry-After"),
]


def cors_config(origins: Sequence[str]) -> CORSConfig | None:
    """Return what lets the scripts of these pages ask; None without any: then no header invites one."""
    if not origins:
        return None
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
        allow_headers=_REQUEST_FIELDS,
        expose_headers=_ANSWER_FIELDS,
    )
