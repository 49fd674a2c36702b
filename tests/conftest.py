"""A simulated WispHub Net in a thread of its own, on a real socket, and the service answering from it."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any

import httpx
import pytest
import pytest_asyncio

from wisphub_api.api_keys import ApiKey, digest
from wisphub_api.app import create_app
from wisphub_api.setting_values import Secret
from wisphub_api.settings import Settings
from wisphub_api.shared.memory import MemoryBackend
from wisphub_sim.app import create_app as create_simulator
from wisphub_sim.server import SimServer, bind
from wisphub_sim.settings import Behaviour, parse_latency
from wisphub_sim.settings import Settings as SimSettings

CLIENTS = 700
NET_KEY = "the-upstream-key"
API_KEY = "the-consumer-key"


@pytest.fixture(scope="session", autouse=True)
def authorities_are_read_once() -> Iterator[None]:
    """Share what is trusted among all clients: to read it takes as long as a short test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


class Simulator:
    """A simulator's own controls and the truth that it holds."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Api-Key {NET_KEY}"})

    def reset(self) -> None:
        """Forget counts, faults and edits."""
        self._http.post("/_sim/reset").raise_for_status()

    def fail(self, **fault: Any) -> None:
        """Switch a fault on."""
        self._http.post("/_sim/faults", json=fault).raise_for_status()

    def edit(self, service_id: int, **fields: str) -> None:
        """Change fields of a client's profile upstream."""
        self._http.put(f"/api/clientes/{service_id}/perfil/", json=fields).raise_for_status()

    def profile(self, service_id: int) -> dict[str, Any]:
        """Give a client's profile, as upstream has it."""
        profile: dict[str, Any] = self._http.get(f"/api/clientes/{service_id}/perfil/").json()
        return profile

    def open_ticket(self, service_id: int) -> None:
        """Open a ticket upstream, as someone else does."""
        form = {"servicio": str(service_id), "asunto": "Otro", "estado": "1", "tecnico": "91"}
        parts = {name: (None, value) for name, value in form.items()}
        self._http.post("/api/tickets/", files=parts).raise_for_status()

    def requests(self) -> dict[str, int]:
        """Count requests by method and path."""
        counts: dict[str, int] = self._http.get("/_sim/stats").json()["requests"]
        return counts

    def records(self) -> list[dict[str, Any]]:
        """Give every client record, as upstream has it."""
        pages = [
            self._http.get("/api/clientes/", params={"limit": 300, "offset": at}) for at in (0, 300, 600)
        ]
        return [row for page in pages for row in page.json()["results"]]

    def count(self) -> int:
        """Count the clients that the list holds now."""
        total: int = self._http.get("/api/clientes/", params={"limit": 1}).json()["count"]
        return total

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[Simulator]:
    """Run one simulator for all tests of this worker."""
    listener = bind("127.0.0.1", 0)
    behaviour = Behaviour(latency=parse_latency("1"))
    server = SimServer(create_simulator(SimSettings(clients=CLIENTS, key=NET_KEY, behaviour=behaviour)))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    simulator = Simulator(f"http://127.0.0.1:{listener.getsockname()[1]}")
    yield simulator
    simulator.close()
    server.should_exit = True
    thread.join()


@pytest.fixture
def simulator(running_simulator: Simulator) -> Simulator:
    """Give the simulator as it was at its start."""
    running_simulator.reset()
    return running_simulator


def settings_for(simulator: Simulator) -> Settings:
    """Make settings that go with the simulator; one key is known."""
    return Settings(
        net_host=simulator.url,
        net_key=Secret(NET_KEY),
        api_keys={"bot": ApiKey(digest(API_KEY.encode()))},
        cold_wait_s=10,
    )


@pytest.fixture
def settings(simulator) -> Settings:
    """Give settings that go with the simulator; one key is known."""
    return settings_for(simulator)


class Distant:
    """A store as it is over a network: each call takes a moment on its way there, and one on its way back."""

    def __init__(self, store: MemoryBackend) -> None:
        self._store = store

    def spend_now(self, *_: object) -> None:
        """Know nothing at once."""

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **options: Any) -> Any:
            await asyncio.sleep(0.001)
            found = await getattr(self._store, name)(*args, **options)
            await asyncio.sleep(0.001)
            return found

        return call


@pytest.fixture
def store() -> MemoryBackend:
    """Give a store that goes by the loop's time."""
    return MemoryBackend(lambda: asyncio.get_running_loop().time())


@pytest.fixture
def distant(store) -> Any:
    """Give the same store as several processes share it."""
    return Distant(store)


Serve = Callable[[Settings], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(scope="session")
def serve() -> Serve:
    """Start the service in this process; gives a client that sends a known key."""

    @asynccontextmanager
    async def start(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(settings)
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar's types are stricter than ASGI's
        headers = {"X-API-Key": API_KEY}
        async with (
            held_open(app.lifespan()),
            httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as client,
        ):
            yield client

    return start


@asynccontextmanager
async def held_open(context: AbstractAsyncContextManager[None]) -> AsyncIterator[None]:
    """Enter and leave in one task, as Litestar's lifespan must; a fixture's two halves run in two."""
    is_open, may_close = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with context:
            is_open.set()
            await may_close.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(hold())
        await is_open.wait()
        try:
            yield
        finally:
            may_close.set()


@pytest.fixture
async def api(serve, settings) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the service; its caches fill at the first request."""
    async with serve(settings) as client:
        yield client


@pytest.fixture(scope="module")
def shared_settings(running_simulator) -> Settings:
    """Give the settings of `shared_api`."""
    running_simulator.reset()
    return settings_for(running_simulator)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_api(serve, shared_settings) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of one service for all tests of a module, which leave it as they find it.

    To start a service takes longer than most tests.
    """
    async with serve(shared_settings) as client:
        await asyncio.gather(client.get("/api/v1/clients/"), client.get("/api/v1/internet-plans/"))
        yield client


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests that ask `shared_api` in its loop."""
    for item in items:
        if isinstance(item, pytest.Function) and "shared_api" in item.fixturenames:
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)
