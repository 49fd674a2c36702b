"""A real browser to look at pages with: one Chromium for all tests of this folder, a fresh profile for each.

Playwright's blocking API keeps an event loop running in its thread for as long as it is open, so that no
asynchronous test may run beside it: this folder has none, and the browser ends with the folder's last test.
"""

import os
import shutil
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect, sync_playwright

PATIENCE_MS: Final = 30_000
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


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium; it ends with the last test of this folder.

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
def page(chromium: Browser, visit: Visit) -> Iterator[Page]:
    """Open an empty page, which `visit` watches; what is waited for must come within `PATIENCE_MS`."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    visit.watch(page)
    yield page
    page.context.close()
