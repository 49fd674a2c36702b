"""When the service is told to stop: who answers a request hears of it by the state that comes with it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

DRAINING: Final = "draining"


def is_draining(state: Mapping[str, Any]) -> bool:
    """Tell whether the service stops: it answers what has come and still comes, then hangs up."""
    told = state.get(DRAINING)
    return told is not None and told.is_set()


async def told_to_stop(state: Mapping[str, Any]) -> None:
    """Wait until the service is told to stop; for ever under a server that does not pass this on."""
    told: asyncio.Event = state.get(DRAINING) or asyncio.Event()
    await told.wait()
