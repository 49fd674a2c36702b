"""The log, as it is written; an application that is asked both ways."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from tests.unit.wisphub_api.web.both_ways import READER, VERIFIER, WHOLE, Both, key

from wisphub_api.api_keys import ApiKey, digest
from wisphub_api.app import create_app
from wisphub_api.settings import Settings
from wisphub_api.web.logs import formatter

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Give the lines that are written from here on, as they are written."""
    written: list[str] = []

    class Writing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    handler = Writing()
    handler.setFormatter(formatter())
    logger = logging.getLogger("wisphub_api")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in written]
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


@pytest.fixture
def settings_of_both(settings: Settings) -> Settings:
    keys = {
        "reader": ApiKey(digest(READER.encode())),
        "verifier": ApiKey(digest(VERIFIER.encode()), frozenset({"verify"})),
    }
    many = {"verify_max_failures": 1_000, "verify_max_failures_per_key": 100_000}
    return msgspec.structs.replace(settings, api_keys=keys, log_sample=0.0, **many)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def both(runner, settings_of_both) -> Iterator[Both]:
    """A warm application; its loop runs while it is asked."""
    app = create_app(settings_of_both)

    async def hold(is_open: asyncio.Event, may_close: asyncio.Event) -> None:
        async with app.lifespan():  # entered and left by one task, as it must be
            is_open.set()
            await may_close.wait()

    async def open_warm() -> tuple[Both, asyncio.Event, asyncio.Task[None]]:
        is_open, may_close = asyncio.Event(), asyncio.Event()
        holding = asyncio.create_task(hold(is_open, may_close))
        await is_open.wait()
        both = Both(app)
        for path in WHOLE:
            await both.long("GET", path.encode(), [key()])
        return both, may_close, holding

    async def close(may_close: asyncio.Event, holding: asyncio.Task[None]) -> None:
        may_close.set()
        await holding

    both, may_close, holding = runner.run(open_warm())
    yield both
    runner.run(close(may_close, holding))
