"""What the tests of real processes use: programs of ours started on free ports, and stopped with the test.

Every test in this folder carries the mark `system`. Those that also carry `smoke` are the short choice that
`make test` runs; `make test-all` runs them all.
"""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

FOLDER: Final = Path(__file__).parent
ROOT: Final = FOLDER.parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker("system")


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard() -> None:
    """Let Ctrl-C end what tests start; begun by a script with `&` they would ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def running(command: list[str], url: str) -> Iterator[str]:
    """Run a program of ours until the context ends; return its URL once that answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        # Refused connections are tried again, after waits that grow to some 15 s in all.
        with httpx.Client(transport=httpx.HTTPTransport(retries=6), timeout=20) as client:
            client.get(url).raise_for_status()
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """Run the demo on a free port: the service, and a simulated WispHub Net behind it; gives its URL."""
    port = free_port()
    command = ["wisphub_api.cli", "demo", "--port", str(port), "--clients", "100", "--latency-ms", "1"]
    with running(command, f"http://127.0.0.1:{port}/api/v1/internet-plans/") as url:
        yield url.removesuffix("/api/v1/internet-plans/")


@pytest.fixture(scope="module")
def locust_page() -> Iterator[str]:
    """Run Locust with the bots' users and its web page, on a free port; gives its URL."""
    port = free_port()
    address = ["--web-host=127.0.0.1", f"--web-port={port}"]
    with running(
        ["locust", "--locustfile=locustfiles/bot_traffic.py", *address], f"http://127.0.0.1:{port}/"
    ) as url:
        yield url
