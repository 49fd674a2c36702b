"""One simulator on a real socket for all tests of a worker, reset before each."""

import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from wisphub_sim.app import create_app
from wisphub_sim.server import SimServer, bind
from wisphub_sim.settings import Settings

KEY = "test-key"
CLIENTS = 700
HEADERS = {"Authorization": f"Api-Key {KEY}"}


@pytest.fixture(scope="session")
def sim_url() -> Iterator[str]:
    """Run a simulator and return its URL; requests wait until it accepts them."""
    listener = bind("127.0.0.1", 0)
    server = SimServer(create_app(Settings(clients=CLIENTS, key=KEY)))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def in_process() -> Callable[[], httpx.AsyncClient]:
    """Return a function that connects to a new simulator without socket or thread."""

    def connect() -> httpx.AsyncClient:
        app = create_app(Settings(clients=10, key=KEY))
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar's ASGI types are narrower
        return httpx.AsyncClient(transport=transport, base_url="http://sim", headers=HEADERS)

    return connect


@pytest.fixture
def sim(sim_url) -> Iterator[httpx.Client]:
    """Return a client, with the key, of the simulator that has just been reset."""
    with httpx.Client(base_url=sim_url, headers=HEADERS) as client:
        client.post("/_sim/reset").raise_for_status()
        yield client
