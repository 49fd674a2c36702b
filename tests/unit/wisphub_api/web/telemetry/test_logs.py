"""A line by the quick way is the one that structlog would write."""

import datetime as dt
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from structlog.stdlib import ProcessorFormatter

from wisphub_api.web.rules.current import CURRENT, CurrentRequest
from wisphub_api.web.telemetry.logs import formatter


def record_of(**facts: Any) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "wisphub_api.some", "levelname": "INFO", **facts})


@pytest.mark.parametrize(
    "facts",
    [
        {"msg": "plain"},
        {"msg": "read %d of %s", "args": (7, "ñandú"), "levelname": "WARNING"},
        {"msg": "verify", "key": "bot", "service_id": None, "fields": ["name"], "folder": Path("there")},
        {"msg": "request", "request_id": "its own", "duration_ms": 0.125, "levelname": "ERROR"},
    ],
)
def test_the_quick_way_writes_what_structlog_would(facts):
    current = CURRENT.set(CurrentRequest("mine-1", trace_id="abc"))
    quick, slow = json_lines(record_of(**facts))
    CURRENT.reset(current)
    assert quick == slow
    assert quick[:3] == [("event", slow[0][1]), ("level", slow[1][1]), ("logger", "wisphub_api.some")]


def json_lines(record: logging.LogRecord) -> list[list[tuple[str, Any]]]:
    """Give the fields of a line, in their order, by either way."""
    lines = [formatter().format(record), ProcessorFormatter.format(formatter(), record)]
    told = [json.loads(line) for line in lines]
    times = [dt.datetime.fromisoformat(line["timestamp"]) for line in told]
    assert times[1] - times[0] < dt.timedelta(seconds=5)
    return [list({**line, "timestamp": ""}.items()) for line in told]


def test_a_value_that_is_no_json_is_written_as_text():
    record = record_of(msg="kept in", folder=Path("/tmp"))  # noqa: S108  # a name, not a file
    assert json.loads(formatter().format(record))["folder"] == "/tmp"  # noqa: S108  # likewise
