"""Whether the service stops: the server says so by an event in the state that each request carries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

DRAINING: Final = "draining"


def is_draining(state: Mapping[str, Any]) -> bool:
    """Return whether the service stops: it answers what has come and still comes, then hangs up."""
    told = state.get(DRAINING)
    return told is not None and told.is_set()


async def told_to_stop(state: Mapping[str, Any]) -> None:
    """Wait until the service stops; for ever under a server that sets no event."""
    told: asyncio.Event = state.get(DRAINING) or asyncio.Event()
    await told.wait()
