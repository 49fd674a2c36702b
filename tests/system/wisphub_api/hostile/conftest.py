"""The service as `wisphub-api serve` runs it: a process with a real socket, its log in a file."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import coverage
import httpx
import pytest
from msgspec import Struct

REQUESTS: Final = int(os.environ.get("FUZZ_REQUESTS", "5000"))
"""How many hostile requests there are; the nightly pipeline asks for 20,000."""
COMMAND = [sys.executable, "-m", "wisphub_api.cli", "serve", "--port"]


class Service(Struct, frozen=True):
    """A running service."""

    url: str
    pid: int
    log: Path

    @property
    def port(self) -> int:
        """Give its port on this machine."""
        return urlsplit(self.url).port or 0


Run = Callable[[Mapping[str, str]], AbstractContextManager[Service]]


@pytest.fixture
def run(tmp_path) -> Run:
    """Run the service with an environment, until the context ends; it is warm when it begins."""

    @contextmanager
    def start(environ: Mapping[str, str]) -> Iterator[Service]:
        port = _free_port()
        log = tmp_path / f"service-{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*COMMAND, str(port)], cwd=tmp_path, env=os.environ | environ, stdout=output, stderr=output
            )
            try:
                service = Service(f"http://127.0.0.1:{port}", process.pid, log)
                _wait_until_warm(service)
                yield service
                assert process.poll() is None
            finally:
                _end(process)

    return start


@pytest.fixture(autouse=True)
def untraced(monkeypatch) -> Iterator[None]:
    """Leave these tests out of the coverage: to follow what they send takes longer than to send it."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_PROCESS")]:
        monkeypatch.delenv(name)
    tracing = coverage.Coverage.current()
    if tracing is not None:
        tracing.stop()
    yield
    if tracing is not None:
        tracing.start()


@pytest.fixture
def environ(settings) -> dict[str, str]:
    """Give the environment that goes with the simulator; one key is known."""
    return {
        "WISPHUB_NET_HOST": settings.net_host,
        "WISPHUB_NET_KEY": settings.net_key.reveal(),
        "WISPHUB_API_KEYS": "bot:the-consumer-key",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_warm(service: Service) -> None:
    """Ask for what needs the caches: refused connections are tried again, a cold cache is waited for."""
    headers = {"X-API-Key": "the-consumer-key"}
    transport = httpx.HTTPTransport(retries=9)
    with httpx.Client(transport=transport, base_url=service.url, headers=headers, timeout=60) as client:
        for path in ("/api/v1/clients/?limit=1", "/api/v1/internet-plans/"):
            client.get(path).raise_for_status()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
