"""What several folders' tests use: the demo as a process, and a real browser to look at pages with.

The browser is Chromium without a window, new for every test. Playwright's blocking API keeps an event loop
running in its thread for as long as it is open: a browser that outlived its test would break the next
asynchronous one. So each test has its own (about a second), and is not itself asynchronous.
"""

import os
import shutil
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
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect, sync_playwright

ROOT: Final = Path(__file__).parents[2]
PATIENCE_MS: Final = 10_000
CHROMIUM_OPTIONS: Final = (
    "--headless",
    "--no-sandbox",  # containers, where the pipeline runs, forbid what the sandbox needs
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard() -> None:
    """Let Ctrl-C end what tests start; begun by a script with `&` they would ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def running(command: list[str], url: str) -> Iterator[str]:
    """Run a program of ours until the context ends; gives its URL once that answers."""
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


@pytest.fixture
def locust_page() -> Iterator[str]:
    """Run Locust with the bots' users and its web page, on a free port; gives its URL."""
    port = free_port()
    address = ["--web-host=127.0.0.1", f"--web-port={port}"]
    with running(
        ["locust", "--locustfile=locustfiles/bot_traffic.py", *address], f"http://127.0.0.1:{port}/"
    ) as url:
        yield url


class Visit:
    """What a page did since the browser opened it.

    Attributes:
        errors: Errors on its console, exceptions that nothing caught, requests that failed or were refused.
        requested: The URLs it asked for, `data:` and `blob:` left out.
    """

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.requested: list[str] = []

    def watch(self, page: Page) -> None:
        """Take note of what this page does from now on."""
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.errors.append(f"exception: {error}"))
        page.on("request", self._note_request)
        page.on("requestfailed", lambda request: self.errors.append(f"{request.failure}: {request.url}"))
        page.on("response", self._note_response)

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"console: {message.text}")

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith(("data:", "blob:")):
            self.requested.append(request.url)

    def _note_response(self, response: Response) -> None:
        if response.status >= 400:
            self.errors.append(f"status {response.status}: {response.url}")


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium with a fresh profile; it ends with the test.

    Where there is none the test is skipped, but in the pipeline (`CI` is set) it fails.
    """
    path = shutil.which("chromium")
    if path is None:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up("there is no `chromium` on the PATH, which this test looks at a page with")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def visit() -> Visit:
    """Tell what the test's `page` did."""
    return Visit()


@pytest.fixture
def page(chromium: Browser, visit: Visit) -> Page:
    """Open an empty page, which `visit` watches; what is waited for must come within `PATIENCE_MS`."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    visit.watch(page)
    return page
