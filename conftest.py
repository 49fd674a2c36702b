"""For all tests: `pytester`, with which the plugin's own tests run pytest inside pytest."""

import asyncio

pytest_plugins = ["pytester"]


def pytest_configure() -> None:
    """Tell asyncio that this thread has no event loop until a test has one.

    pytest-asyncio and looptime ask for the current one; untold, asyncio would make one that nobody closes.
    """
    asyncio.set_event_loop(None)
