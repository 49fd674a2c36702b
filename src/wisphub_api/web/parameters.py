"""What the handlers of several resources take."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request
from litestar.params import QueryParameter

AnyRequest = Request[Any, Any, Any]

_MOST = 2**31 - 1

Limit = Annotated[int | None, QueryParameter(ge=1, le=_MOST, description="how many to give; default: all")]
Offset = Annotated[int, QueryParameter(ge=0, le=_MOST, description="how many to leave out first")]
