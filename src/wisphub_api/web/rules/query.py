"""A request's query, read once: by the fast path, and by the router before Litestar reads it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import unquote_plus

from wisphub_api.exceptions import InvalidRequest

_NAME: Final = re.compile(r"[a-z_]{1,40}")
"""What a parameter's name looks like; anything else may be what should have stood after it."""


def read_query(query: bytes, names: Collection[str]) -> dict[str, str]:
    """Return the parameters of a query, which may be UTF-8 as it is or percent-encoded.

    Args:
        query: As it stands in the request.
        names: Those that the route takes.

    Raises:
        InvalidRequest: A parameter is not known, comes twice, or is not valid UTF-8.
    """
    if not query:
        return {}
    given: dict[str, str] = {}
    try:
        for pair in query.decode().split("&"):
            if pair:
                name, _, value = pair.partition("=")
                _add(given, _decoded(name), _decoded(value), names)
    except UnicodeDecodeError as error:
        raise InvalidRequest("The query is not valid UTF-8.", field="query") from error
    return given


def _decoded(text: str) -> str:
    """Return a name or value without its encoding; `urllib` takes as long where there is none."""
    return unquote_plus(text, errors="strict") if "%" in text or "+" in text else text


def _add(given: dict[str, str], name: str, value: str, names: Collection[str]) -> None:
    if name not in names:
        field = name if _NAME.fullmatch(name) else "query"
        raise InvalidRequest(f"`{field}`: unknown parameter; {_allowed(names)}", field=field)
    if name in given:
        raise InvalidRequest(f"`{name}` is given more than once.", field=name)
    given[name] = value


def _allowed(names: Collection[str]) -> str:
    return f"allowed are {', '.join(names)}" if names else "none is allowed here"
