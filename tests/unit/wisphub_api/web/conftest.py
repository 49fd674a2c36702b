"""The log, as it is written."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

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
