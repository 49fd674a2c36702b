"""What is written to the log, and what never is.

Modules log through the standard library; structlog renders each line, ours and the libraries' alike, as a
JSON object, or for people where stderr is a terminal. No line holds a URL, as paths and queries hold
subscribers' data.
"""

from __future__ import annotations

import datetime as dt
import logging
import logging.config
import sys
import traceback
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer, TimeStamper
from structlog.stdlib import (
    BoundLogger,
    ExtraAdder,
    LoggerFactory,
    ProcessorFormatter,
    add_log_level,
    add_logger_name,
    filter_by_level,
    render_to_log_kwargs,
)
from structlog.typing import EventDict, Processor, WrappedLogger

from wisphub_api.event_log import FactRecord
from wisphub_api.web.rules.current import CURRENT


class NoPaths(logging.Filter):
    """Drops uvicorn's line on a refused WebSocket handshake, which holds its path."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep any other line."""
        return '"WebSocket ' not in str(record.msg)


def log_config(level: str) -> dict[str, Any]:
    """Give the configuration for `logging.config.dictConfig`: lines from this level on, to stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        "formatters": {"structured": {"()": "wisphub_api.web.telemetry.logs.formatter"}},
        "filters": {"no_paths": {"()": NoPaths}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "structured", "filters": ["no_paths"]}
        },
        "loggers": {
            "wisphub_api.audit": {"level": "INFO"},  # it has no gaps, however little else is logged
            "uvicorn": {"handlers": [], "propagate": True},
            "uvicorn.error": {"handlers": [], "propagate": True},
            "uvicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},  # sends the traces
            "opentelemetry": {"level": "CRITICAL"},  # a line for each try; `tracing` tells a failure once
            "stamina": {"level": "ERROR"},  # a line for each retry of each page; a failed load is told once
        },
    }


def configure_logs(level: str) -> None:
    """Take over the logging of this process.

    No line names thread, process or place in the code, so none is looked up (`logging`'s documentation,
    "Optimization"): a check's line would take a quarter longer.
    """
    logging.logThreads = logging.logMultiprocessing = logging.logProcesses = False
    logging._srcfile = None  # noqa: SLF001  # as documented there
    logging.config.dictConfig(log_config(level))
    structlog.configure(  # for libraries that find it here and use it by themselves, as stamina does
        processors=[filter_by_level, render_to_log_kwargs],
        logger_factory=LoggerFactory(),
        wrapper_class=BoundLogger,
    )


def formatter() -> ProcessorFormatter:
    """Make what renders a line: JSON, or for people where stderr is a terminal."""
    if not sys.stderr.isatty():
        return QuickFormatter(
            foreign_pre_chain=_FACTS, processors=_ending_in(JSONRenderer(serializer=_to_json))
        )
    console = ConsoleRenderer(exception_formatter=plain_traceback)
    return ProcessorFormatter(foreign_pre_chain=_FACTS, processors=_ending_in(console))


def _ending_in(renderer: Processor) -> list[Processor]:
    return [ProcessorFormatter.remove_processors_meta, renderer]


class QuickFormatter(ProcessorFormatter):
    """Renders the service's own lines as its processors would, in a third of the time: each check has one."""

    def format(self, record: logging.LogRecord) -> str:
        """Give a record as a line."""
        if record.exc_info or record.stack_info or not record.name.startswith("wisphub_api"):
            return super().format(record)
        event: dict[str, Any] = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": f"{_second(int(record.created))}.{int(record.created % 1 * 1e6):06d}Z",
        }
        event |= _facts_of(record)
        return _to_json(_with_request(event))


def _facts_of(record: logging.LogRecord) -> Mapping[str, Any]:
    if isinstance(record, FactRecord):
        return record.facts
    return {name: value for name, value in record.__dict__.items() if name not in _NO_FACTS}


@lru_cache(1)
def _second(since_epoch: int) -> str:
    return dt.datetime.fromtimestamp(since_epoch, dt.UTC).replace(tzinfo=None).isoformat()


def add_request(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add the id of the request in whose course a line is written, and its trace."""
    return _with_request(event)


def _with_request(event: EventDict) -> EventDict:
    if (current := CURRENT.get()) is not None:
        event["request_id"] = current.request_id
        if current.trace_id:
            event["trace_id"] = current.trace_id
    return event


def without_messages(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Tell an exception by its type and place: its message may hold a subscriber's data.

    asyncio writes one that nobody awaited into the lines after its first.
    """
    if event.get("logger") == "asyncio":
        event["event"] = event["event"].partition("\n")[0]
    kind, _error, trace = event.pop("exc_info", None) or (None, None, None)
    if kind is not None:
        event["exception"] = "".join([*traceback.format_tb(trace), kind.__name__])
    event.pop("color_message", None)  # uvicorn's event once more, for terminals
    return event


_FACTS: Final[tuple[Processor, ...]] = (
    add_log_level,
    add_logger_name,
    TimeStamper(fmt="iso", utc=True),
    ExtraAdder(),
    add_request,
    without_messages,
)


_NO_FACTS: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "facts"})
"""What every record has; the rest was given as `extra`."""


def _to_json(event: EventDict, **_: object) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
