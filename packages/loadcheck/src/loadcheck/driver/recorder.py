"""Locust's events as samples."""

import math
import traceback
from collections.abc import Sequence
from http.client import BAD_REQUEST
from pathlib import Path
from types import TracebackType
from typing import Any

import gevent
from locust.exception import CatchResponseError

from loadcheck.driver.clock import Clock
from loadcheck.driver.users.pairs import turn
from loadcheck.model.cache_status import cache_state
from loadcheck.model.sample_file import BlockWriter
from loadcheck.model.samples import NO_ENDPOINT, Label, Row


class Recorder:
    """Turns Locust's events into samples, each side's with a writer of its own."""

    def __init__(self, writers: Sequence[BlockWriter], clock: Clock) -> None:
        self._writers = writers
        self._clock = clock

    def on_request(self, **fields: Any) -> None:
        """Record a request that ended, well or not.

        Locust swallows what its listeners raise: a request that cannot be recorded is a failure.
        """
        try:
            self._record(**fields)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sample must not vanish
            self.add_failure(f"a request could not be recorded ({type(error).__name__})")

    def _record(  # noqa: PLR0913 - the arguments are those of Locust's event
        self,
        *,
        request_type: str,
        name: str,
        response_time: float,
        response_length: int,
        start_time: float,
        exception: BaseException | None = None,
        response: Any = None,
        **_: Any,
    ) -> None:
        if not math.isfinite(response_time):
            raise ValueError("a response time is a number")
        status = int(getattr(response, "status_code", None) or 0)
        headers = getattr(response, "headers", None)
        label = Label(
            method=request_type,
            endpoint=name.partition("?")[0],  # a query may hold a person's data
            status=status,
            failure=reason(exception, status) if exception else "",
            cache=cache_state(headers.get("Cache-Status") if headers else None),
        )
        done_s = self._clock.elapsed_s()
        start_s = min(self._clock.moment_s(start_time), done_s - response_time / 1_000)
        asked = turn()
        self._add(
            Row(
                label=label,
                intended_s=min(take_due_s(start_s), start_s),
                start_s=start_s,
                first_byte_ms=first_byte_ms(response) if status else math.nan,
                response_ms=float(response_time),
                done_s=done_s,
                size=int(response_length),
                cpu_ms=asked.take_cost_ms() if asked else math.nan,
            )
        )

    def on_user_error(self, *, exception: BaseException, tb: TracebackType, **_: Any) -> None:
        """Record an exception raised inside a user as a failure that belongs to no endpoint."""
        place = traceback.extract_tb(tb)[-1]
        self.add_failure(f"{type(exception).__name__} in {Path(place.filename).name}:{place.lineno}")

    def add_failure(self, failure: str) -> None:
        """Record a failure that belongs to no endpoint."""
        now_s = self._clock.elapsed_s()
        label = Label(method="", endpoint=NO_ENDPOINT, status=0, failure=failure)
        self._add(
            Row(
                label=label,
                intended_s=now_s,
                start_s=now_s,
                first_byte_ms=math.nan,
                response_ms=0.0,
                done_s=now_s,
                size=0,
            )
        )

    def _add(self, row: Row) -> None:
        asked = turn()
        self._writers[asked.side if asked else 0].add(row)


def take_due_s(otherwise: float) -> float:
    """Return when the running arrival was due; its first request alone was: later ones follow each other."""
    due_s: float = vars(gevent.getcurrent()).pop("due_s", otherwise)
    return due_s


def first_byte_ms(response: Any) -> float:
    """Return the time from sending to the response's head by Locust's client; NaN where unknown."""
    elapsed = getattr(response, "elapsed", None)
    return float(elapsed.total_seconds()) * 1_000 if elapsed is not None else math.nan


def reason(exception: BaseException, status: int) -> str:
    """Say why a request failed without its URL or anything else that may hold a person's data.

    A content check's own words stand: the locustfile chose them. A good status is no reason: its body did not
    come.
    """
    if isinstance(exception, CatchResponseError):
        return str(exception)
    if status >= BAD_REQUEST:
        return f"HTTP {status}"
    return type(getattr(exception, "original", exception)).__name__
