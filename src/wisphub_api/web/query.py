"""A request's query, read once: by the fast path, and by the router before Litestar reads it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qsl

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
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, errors="strict", separator="&")
    except UnicodeDecodeError as error:
        raise InvalidRequest("The query is not valid UTF-8.", field="query") from error
    except ValueError as error:  # what urllib refuses beside that
        raise InvalidRequest("The query cannot be read.", field="query") from error
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in names:
            field = name if _NAME.fullmatch(name) else "query"
            raise InvalidRequest(f"`{field}`: unknown parameter; {_allowed(names)}", field=field)
        if name in given:
            raise InvalidRequest(f"`{name}` is given more than once.", field=name)
        given[name] = value
    return given


def _allowed(names: Collection[str]) -> str:
    return f"allowed are {', '.join(names)}" if names else "none is allowed here"
