"""What is written to the log, and what never is."""

from __future__ import annotations

from litestar.logging.config import LoggingConfig


def logging_config() -> LoggingConfig:
    """Log plain lines to stderr, none of them with a URL: paths and queries hold subscribers' data."""
    return LoggingConfig(
        root={"level": "INFO", "handlers": ["console"]},
        formatters={"standard": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        handlers={
            "console": {"class": "logging.StreamHandler", "level": "INFO", "formatter": "standard"},
        },
        loggers={
            "uvicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "stamina": {"level": "ERROR"},  # a line for each retry of each page; a failed load is told once
        },
        log_exceptions="never",
    )
