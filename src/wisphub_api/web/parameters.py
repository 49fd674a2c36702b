"""Query parameters that all lists share."""

from __future__ import annotations

from typing import Annotated

from litestar.params import QueryParameter

_MOST = 2**31 - 1

Limit = Annotated[int | None, QueryParameter(ge=1, le=_MOST, description="how many to give; default: all")]
Offset = Annotated[int, QueryParameter(ge=0, le=_MOST, description="how many to leave out first")]
