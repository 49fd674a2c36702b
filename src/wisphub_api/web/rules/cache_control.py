"""What a request's `Cache-Control` asks for (RFC 9111, section 5.2.1; RFC 5861, section 4)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from litestar import Request

from wisphub_api.cache.wish import ANY, Wish

_PART: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"|")+')
_DIRECTIVE: Final = re.compile(r"""([!#$%&'*+.^_`|~\w-]+)(?:=([!#$%&'*+.^_`|~\w-]+|".*"))?""", re.ASCII)
_SECONDS: Final = re.compile(r'"?([0-9]+)"?')
_MOST_S: Final = 2.0**31
"""A longer time is read as this one (RFC 9111, section 1.2.2)."""
_MOST_CHARS: Final = 256
"""A longer field is no one's honest wish."""


def asked_freshness(request: Request[Any, Any, Any]) -> Wish:
    """Tell how fresh an answer the request asks for."""
    return freshness_of(",".join(request.headers.getall("cache-control", [])))


def freshness_of(field: str) -> Wish:
    """Return what a `Cache-Control` field asks for; its lines are joined."""
    return parse_cache_control(field) if 0 < len(field) <= _MOST_CHARS else ANY


@lru_cache(256)
def parse_cache_control(value: str) -> Wish:
    """Return what the directives of a request ask for; those that are unknown or malformed are ignored.

    `no-cache` (5.2.1.4) is read as max-age=0: only a new load can tell whether a value still holds.
    `no-store` (5.2.1.5) asks that nothing of the request be kept, and nothing ever is.
    """
    given = _directives(value)
    bears_any_age = given.get("max-stale", "") is None  # section 5.2.1.2: without a number, any
    wish = Wish(
        max_age_s=0.0 if "no-cache" in given else _seconds(given, "max-age"),
        min_fresh_s=_seconds(given, "min-fresh"),
        max_stale_s=math.inf if bears_any_age else _seconds(given, "max-stale"),
        stale_if_error_s=_seconds(given, "stale-if-error"),
        only_if_cached="only-if-cached" in given,
    )
    return ANY if wish == ANY else wish


def _directives(value: str) -> dict[str, str | None]:
    """Give each directive's argument, if any; where one comes twice the first counts (section 4.2.1)."""
    given: dict[str, str | None] = {}
    for part in _PART.findall(value):
        if match := _DIRECTIVE.fullmatch(part.strip()):
            given.setdefault(match[1].lower(), match[2])
    return given


def _seconds(given: Mapping[str, str | None], name: str) -> float | None:
    """Read a number of seconds, as it is or in quotes (section 5.2 asks to take both)."""
    match = _SECONDS.fullmatch(given.get(name) or "")
    return min(float(match[1]), _MOST_S) if match else None
