"""A real Redis: one for all tests of a process, emptied between them; one that was in trouble is replaced."""

import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import redis

from wisphub_api.shared import members, redis_link
from wisphub_api.shared import redis as redis_backend
from wisphub_api.shared.redis_link import RedisLink

PATIENCE_S = 60.0


class RedisServer:
    """A real Redis server, on a socket in a folder, which can be brought into trouble.

    Attributes:
        is_spoiled: Whether a test has stopped, frozen or configured it: the next one gets another.
    """

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self._process: subprocess.Popen[bytes] | None = None
        self.is_spoiled = True

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        command = ["redis-server", "--port", "0", "--unixsocket", str(self._socket), "--save", ""]
        self._process = subprocess.Popen([*command, "--daemonize", "no"], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with suppress(redis.ConnectionError), self.connected() as connection:
                connection.ping()
                return
            time.sleep(0.01)
        raise AssertionError("Redis did not start")

    def stop(self) -> None:
        """End it; all that it held is lost."""
        self.is_spoiled = True
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        """Let it take connections and answer none."""
        self.is_spoiled = True
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def connected(self) -> Iterator[redis.Redis]:
        """Return a connection of the test's own."""
        with redis.Redis(unix_socket_path=str(self._socket), socket_timeout=PATIENCE_S) as connection:
            yield connection

    @contextmanager
    def configured(self) -> Iterator[redis.Redis]:
        """Return a connection over which to change what only a new server undoes."""
        self.is_spoiled = True
        with self.connected() as connection:
            yield connection

    def renew(self) -> None:
        """Empty it; where it was spoiled, start another in its place."""
        if self.is_spoiled:
            self.stop()
            self.start()
            self.is_spoiled = False
        with self.connected() as connection:
            connection.flushall()


@pytest.fixture(scope="session")
def running_redis() -> Iterator[RedisServer]:
    """Keep a Redis server for all tests of this process."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:  # a socket's path must be short
        server = RedisServer(Path(folder))
        yield server
        server.stop()


@pytest.fixture
def patient_redis(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> RedisServer:
    """Return such a server, which is given time to answer: the tests' machine may be busy."""
    for module in (redis_link, members, redis_backend):
        monkeypatch.setattr(module, "UNHURRIED_S", PATIENCE_S)
    monkeypatch.setattr(redis_link, "CONNECT_S", PATIENCE_S)
    monkeypatch.setattr(redis_link, "RedisLink", partial(RedisLink, answer_s=PATIENCE_S))
    return redis_server


@pytest.fixture
def redis_server(running_redis: RedisServer) -> RedisServer:
    """Return a Redis server that is empty and well."""
    running_redis.renew()
    return running_redis
