"""A simulated WispHub Net as a real process, and the service in this one, answering from it."""

import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from wisphub_api.api_keys import ApiKey, digest
from wisphub_api.app import create_app
from wisphub_api.fleet.store import MemoryStore
from wisphub_api.setting_values import Secret
from wisphub_api.settings import Settings

CLIENTS = 700
NET_KEY = "the-upstream-key"
API_KEY = "the-consumer-key"


class Simulator:
    """A simulator process, its own controls and the truth that it holds."""

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
def simulator_process() -> Iterator[Simulator]:
    """Run one simulator for all tests of this worker."""
    command = [
        sys.executable,
        "-m",
        "wisphub_sim",
        "--port",
        "0",
        "--latency-ms",
        "1",
        "--until-stdin-closes",
    ]
    options = ["--clients", str(CLIENTS), "--key", NET_KEY, "--seed", "1"]
    process = subprocess.Popen([*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    try:
        simulator = Simulator(process.stdout.readline().split()[-1])
        yield simulator
        simulator.close()
    finally:
        process.terminate()
        process.wait(10)
        process.stdin.close()
        process.stdout.close()


@pytest.fixture
def simulator(simulator_process: Simulator) -> Simulator:
    """Give the simulator as it was at its start."""
    simulator_process.reset()
    return simulator_process


@pytest.fixture
def settings(simulator) -> Settings:
    """Give settings that go with the simulator; one key is known."""
    return Settings(
        net_host=simulator.url,
        net_key=Secret(NET_KEY),
        api_keys={"bot": ApiKey(digest(API_KEY.encode()))},
        cold_wait_s=10,
    )


class Distant:
    """A store as it is over a network: each call takes a moment on its way there, and one on its way back."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **options: Any) -> Any:
            await asyncio.sleep(0.001)
            found = await getattr(self._store, name)(*args, **options)
            await asyncio.sleep(0.001)
            return found

        return call


@pytest.fixture
def store() -> MemoryStore:
    """Give a store that goes by the loop's time."""
    return MemoryStore(lambda: asyncio.get_running_loop().time())


@pytest.fixture
def distant(store) -> Any:
    """Give the same store as several processes share it."""
    return Distant(store)


class RedisServer:
    """A real Redis server of a test's own, on a socket in a folder, which can be brought into trouble."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        command = ["redis-server", "--port", "0", "--unixsocket", str(self._socket), "--save", ""]
        self._process = subprocess.Popen([*command, "--daemonize", "no"], stdout=subprocess.DEVNULL)
        for _ in range(200):
            with suppress(redis.ConnectionError), self.connected() as connection:
                connection.ping()
                return
            time.sleep(0.05)
        raise AssertionError("Redis did not start")

    def stop(self) -> None:
        """End it; all that it held is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        """Let it take connections and answer none."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def connected(self) -> Iterator[redis.Redis]:
        """Give a connection of the test's own."""
        with redis.Redis(unix_socket_path=str(self._socket), socket_timeout=5) as connection:
            yield connection


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """Run a Redis server for one test."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:  # a socket's path must be short
        server = RedisServer(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()


Serve = Callable[[Settings], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
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
