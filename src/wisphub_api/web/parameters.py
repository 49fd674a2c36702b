"""What the handlers of several resources take, and what none of them takes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated, Any, Final, TypeAlias, TypeVar
from urllib.parse import urlencode

from litestar import Request
from litestar.datastructures import Headers
from litestar.enums import ParamType, RequestEncodingType
from litestar.handlers import BaseRouteHandler
from litestar.params import BodyKwarg, ParameterKwarg, QueryParameter
from litestar.typing import FieldDefinition
from msgspec import Struct

from wisphub_api.exceptions import InvalidRequest, UnsupportedBody
from wisphub_api.web.rules.admission import OPEN
from wisphub_api.web.rules.query import read_query

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]

MOST: Final = 2**31 - 1

Limit = Annotated[int | None, QueryParameter(ge=1, le=MOST, description="how many to give; default: all")]
Offset = Annotated[int, QueryParameter(ge=0, le=MOST, description="how many to leave out first")]
ClosedBody: TypeAlias = Annotated[
    T, BodyKwarg(media_type=RequestEncodingType.JSON, schema_extra={"additional_properties": False})
]
"""A JSON object that holds no other fields than the struct's, which must forbid them."""

_WHOLE: Final = re.compile(r"-?\d+", re.ASCII)
_JSON: Final = re.compile(r"application/([\w.+-]+\+)?json\s*(;.*)?", re.ASCII | re.IGNORECASE)


class Declared(Struct, frozen=True):
    """What a route takes: its parameters by the name they have in a query, which of all are whole numbers."""

    query: tuple[str, ...]
    whole: frozenset[str]
    has_body: bool


def refusing_loose_values() -> Callable[[AnyRequest], Awaitable[None]]:
    """Return what looks at each request before its handler reads it, and refuses what it would read loosely.

    `7.0`, `7e0` and `null` are no whole numbers, of a parameter that comes twice one would be ignored, and
    what is said to be something else is not read as JSON. Litestar then reads the query that was read here.
    """
    declared_by = cache(declared)

    async def refuse(request: AnyRequest) -> None:
        takes = declared_by(request.route_handler)
        given = dict(request.path_params) | _read_query(request, takes.query)
        for name, value in given.items():
            if name in takes.whole and not _WHOLE.fullmatch(value):
                raise InvalidRequest(f"`{name}`: expected a whole number", field=name)
        if takes.has_body:
            _refuse_other_than_json(request.headers)

    return refuse


def _read_query(request: AnyRequest, names: tuple[str, ...]) -> dict[str, str]:
    if request.route_handler.opt.get(OPEN):  # those are asked by all kinds of monitors
        return {}
    query = read_query(request.scope["query_string"], names)
    request.scope["query_string"] = urlencode(query).encode()
    return query


def _refuse_other_than_json(headers: Headers) -> None:
    """Refuse a body that is said to be something else; one of which nothing is said is read as JSON."""
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    if not _JSON.fullmatch(headers.get("content-type", "application/json")):
        raise UnsupportedBody("Send the body as JSON, with `Content-Type: application/json`.")
    if headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedBody("Send the body as it is, without a `Content-Encoding`.")


def declared(handler: BaseRouteHandler) -> Declared:
    """Return what a handler's route takes."""
    given = handler.resolve_dependencies()
    fields = {
        name: field for name, field in handler.parsed_fn_signature.parameters.items() if name not in given
    }
    return Declared(
        query=tuple(name for name, field in fields.items() if _is_in(field, ParamType.QUERY)),
        whole=frozenset(name for name, field in fields.items() if _is_whole(field)),
        has_body="data" in fields,
    )


def _is_in(field: FieldDefinition, *places: ParamType) -> bool:
    kwarg = field.kwarg_definition
    return isinstance(kwarg, ParameterKwarg) and kwarg.param_type in places


def _is_whole(field: FieldDefinition) -> bool:
    is_int = field.annotation is int or any(inner.annotation is int for inner in field.inner_types)
    return is_int and _is_in(field, ParamType.QUERY, ParamType.PATH)
