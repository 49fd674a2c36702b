"""What is written to the log, and what never is."""

from __future__ import annotations

import logging

from litestar.logging.config import LoggingConfig


class NoPaths(logging.Filter):
    """Drops uvicorn's line on a refused WebSocket handshake, which holds its path."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep any other line."""
        return '"WebSocket ' not in str(record.msg)


def logging_config() -> LoggingConfig:
    """Log plain lines to stderr, none of them with a URL: paths and queries hold subscribers' data."""
    return LoggingConfig(
        root={"level": "INFO", "handlers": ["console"]},
        formatters={"standard": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        handlers={
            "console": {
                "class": "logging.StreamHandler",
                "level": "INFO",
                "formatter": "standard",
                "filters": ["no_paths"],
            },
        },
        filters={"no_paths": {"()": NoPaths}},
        loggers={
            "uvicorn.error": {"level": "INFO", "handlers": ["console"], "propagate": False},
            "uvicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "stamina": {"level": "ERROR"},  # a line for each retry of each page; a failed load is told once
        },
        log_exceptions="never",
    )
