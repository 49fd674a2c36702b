"""Lines in the log that consist of facts: how a request or an identity check has ended.

There is one for each check, so what a line costs counts: `logging.LogRecord` looks up the place in the code,
the thread and the process, which no line names. A record of facts has what handlers and formatters need.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

_BLANK: Final[Mapping[str, Any]] = vars(logging.makeLogRecord({"levelno": logging.INFO, "levelname": "INFO"}))
"""What every record has."""


class FactRecord(logging.LogRecord):
    """A record at the level INFO.

    Args:
        name: Of its logger.
        event: What has happened.
        facts: What is known of it; attributes of the record, too, as with `extra`.
    """

    def __init__(self, name: str, event: str, facts: Mapping[str, Any]) -> None:
        # Not super().__init__(): what it looks up is the cost.
        created = time.time()
        self.__dict__.update(_BLANK, name=name, msg=event, created=created, msecs=created % 1 * 1_000)
        self.facts = facts
        self.__dict__.update(facts)

    def getMessage(self) -> str:  # noqa: N802  # logging's name
        """Return the event."""
        return str(self.msg)


def log_facts(logger: logging.Logger, event: str, facts: Mapping[str, Any]) -> None:
    """Write a line of facts at the level INFO.

    Args:
        logger: Whose line it is.
        event: What has happened.
        facts: JSON; no subscriber's data.
    """
    if logger.isEnabledFor(logging.INFO):
        logger.handle(FactRecord(logger.name, event, facts))
