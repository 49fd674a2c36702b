"""What the handlers of several resources take, and what none of them takes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from litestar import Request
from litestar.datastructures import Headers
from litestar.enums import ParamType, RequestEncodingType
from litestar.handlers import BaseRouteHandler
from litestar.params import BodyKwarg, ParameterKwarg, QueryParameter
from litestar.typing import FieldDefinition
from msgspec import Struct

from wisphub_api.exceptions import InvalidRequest, UnsupportedBody

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]

_MOST = 2**31 - 1

Limit = Annotated[int | None, QueryParameter(ge=1, le=_MOST, description="how many to give; default: all")]
Offset = Annotated[int, QueryParameter(ge=0, le=_MOST, description="how many to leave out first")]
ClosedBody: TypeAlias = Annotated[
    T, BodyKwarg(media_type=RequestEncodingType.JSON, schema_extra={"additional_properties": False})
]
"""A JSON object that holds no other fields than the struct's, which must forbid them."""

_WHOLE: Final = re.compile(r"-?\d+", re.ASCII)
_JSON: Final = re.compile(r"application/([\w.+-]+\+)?json\s*(;.*)?", re.ASCII | re.IGNORECASE)


class _Declared(Struct, frozen=True):
    """What a route takes: its parameters by the name they have in a query, which of all are whole numbers."""

    query: tuple[str, ...]
    whole: frozenset[str]
    has_body: bool


def refusing_loose_values() -> Callable[[AnyRequest], Awaitable[None]]:
    """Make what looks at each request before its handler reads it, and refuses what it would read loosely.

    `7.0`, `7e0` and `null` are no whole numbers, of a parameter that comes twice one would be ignored, and
    what is said to be something else is not read as JSON.
    """
    declared = cache(_declared)

    async def refuse(request: AnyRequest) -> None:
        takes = declared(request.route_handler)
        for name, value in _given(request, takes.query).items():
            if name in takes.whole and not _WHOLE.fullmatch(value):
                raise InvalidRequest(f"`{name}`: expected a whole number", field=name)
        if takes.has_body:
            _refuse_other_than_json(request.headers)

    return refuse


def _given(request: AnyRequest, names: Iterable[str]) -> dict[str, str]:
    """Give the path's parameters, and those of the query that have these names."""
    given: dict[str, str] = dict(request.path_params)
    for name in names:
        values = request.query_params.getall(name, [])
        if len(values) > 1:
            raise InvalidRequest(f"`{name}` is given more than once.", field=name)
        if values:
            given[name] = values[0]
    return given


def _refuse_other_than_json(headers: Headers) -> None:
    """Refuse a body that is said to be something else; one of which nothing is said is read as JSON."""
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    if not _JSON.fullmatch(headers.get("content-type", "application/json")):
        raise UnsupportedBody("Send the body as JSON, with `Content-Type: application/json`.")
    if headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedBody("Send the body as it is, without a `Content-Encoding`.")


def _declared(handler: BaseRouteHandler) -> _Declared:
    fields = handler.parsed_fn_signature.parameters
    return _Declared(
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
