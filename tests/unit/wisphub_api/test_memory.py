"""Nothing holds up the event loop for long."""

import gc
import socket
import sys
from collections.abc import Iterator

import pytest
import uvicorn

from wisphub_api.web.server.draining_server import DrainingServer


@pytest.fixture
def as_before() -> Iterator[None]:
    """Leave this process as it was."""
    interval = sys.getswitchinterval()
    yield
    sys.setswitchinterval(interval)
    gc.unfreeze()


@pytest.mark.usefixtures("as_before")
def test_a_server_puts_its_event_loop_first():
    seen: list[tuple[bool, bool]] = []

    class Stopped(DrainingServer):
        async def serve(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002  # uvicorn's
            seen.append((sys.getswitchinterval() < 0.001, gc.get_freeze_count() > len(gc.get_objects())))

    Stopped(uvicorn.Config("none")).run()
    assert seen == [(True, True)]
