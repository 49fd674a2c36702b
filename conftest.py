"""For all tests: `pytester`, with which the plugin's own tests run pytest inside pytest; no deadlines."""

import asyncio

import hypothesis

pytest_plugins = ["pytester"]


hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")  # how long an example takes is the machine's


def pytest_configure() -> None:
    """Tell asyncio that this thread has no event loop until a test has one.

    pytest-asyncio and looptime ask for the current one; untold, asyncio would make one that nobody closes.
    """
    asyncio.set_event_loop(None)
