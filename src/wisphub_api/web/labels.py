"""How a request is named in logs, figures and traces: by nothing that its caller chose."""

from __future__ import annotations

from typing import Final

from litestar.types import HTTPScope

UNMATCHED: Final = "unmatched"
"""The route of a request whose path, or method on that path, is not there."""

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def method_of(scope: HTTPScope) -> str:
    """Give the method; "other" for one that no route takes."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def route_of(scope: HTTPScope) -> str:
    """Give the route as it is declared, ids as their names; known once the router has seen the request."""
    return str(scope.get("path_template", UNMATCHED))


def key_of(scope: HTTPScope) -> str:
    """Give the name of the caller's key; "anonymous" without a known one, or where none is asked for."""
    return str(scope.get("user") or "anonymous").partition("@")[0]  # less the address of those without a key
