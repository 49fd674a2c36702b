"""The log, as it is written; an application that is asked both ways."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from tests.unit.wisphub_api.web.both_ways import READER, VERIFIER, Both, running

from wisphub_api.api_keys import ApiKey, digest
from wisphub_api.settings import Settings
from wisphub_api.web.telemetry.logs import formatter

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


@pytest.fixture(scope="module")
def settings_of_both(shared_settings: Settings) -> Settings:
    keys = {
        "reader": ApiKey(digest(READER.encode())),
        "verifier": ApiKey(digest(VERIFIER.encode()), frozenset({"verify"})),
    }
    many = {"verify_max_failures": 100_000, "verify_max_failures_per_key": 100_000}
    return msgspec.structs.replace(shared_settings, api_keys=keys, log_sample=0.0, **many)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def app_of_both(runner, settings_of_both) -> Iterator[Litestar]:
    with running(runner, settings_of_both) as app:
        yield app


@pytest.fixture
def both(app_of_both, settings_of_both) -> Both:
    """An application that a module's tests share, none of whose answers are counted yet."""
    return Both(app_of_both, settings_of_both)
