"""Requests one at a time from the test itself, timed and kept like the load generator's.

For questions about a single caller (what does the first one wait?) that need no load. They are measured in
the test's process, which does nothing else meanwhile.
"""

import http.client
import math
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from msgspec import Struct

from loadcheck.model.cache_status import cache_state
from loadcheck.model.samples import Label, Row, Samples
from loadcheck.run.target import Target

ANSWER_WITHIN_S = 10.0


class Question(Struct, frozen=True, kw_only=True):
    """A GET: its path, its name in reports, and a check that returns what is wrong with the body or ""."""

    path: str
    name: str
    what_is_wrong: Callable[[bytes], str] = lambda _: ""


class Probe:
    """One caller with a kept connection to one server; its clock starts with its construction."""

    def __init__(self, target: Target, *, headers: Mapping[str, str] | None = None) -> None:
        self._headers = dict(headers or {})
        self._target = target
        self._connection = target.connect(ANSWER_WITHIN_S)
        self._zero = time.perf_counter()
        self._rows: list[Row] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def ask(self, question: Question) -> Label:
        """Ask once and keep the sample; return its label: status, failure, cache state."""
        start_s = self._elapsed_s()
        label, body, head_s = self._answer(question)
        end_s = self._elapsed_s()
        if not label.failure:
            problem = question.what_is_wrong(body)
            label = Label(label.method, label.endpoint, label.status, problem, label.cache)
        self._rows.append(
            Row(
                label=label,
                intended_s=start_s,
                start_s=start_s,
                first_byte_ms=(head_s - start_s) * 1_000,
                response_ms=(end_s - start_s) * 1_000,
                done_s=self._elapsed_s(),
                size=len(body),
            )
        )
        return label

    def samples(self) -> Samples:
        """Return what was asked so far."""
        return Samples.of_rows(self._rows)

    def _elapsed_s(self) -> float:
        return time.perf_counter() - self._zero

    def _answer(self, question: Question) -> tuple[Label, bytes, float]:
        """Return what came, and when its head did (NaN: never)."""
        try:
            self._connection.request("GET", self._target.full_path(question.path), headers=self._headers)
            response = self._connection.getresponse()
            head_s = self._elapsed_s()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()  # the next request opens it anew
            return Label("GET", question.name, 0, type(error).__name__), b"", math.nan
        failure = "" if response.status == http.HTTPStatus.OK else f"HTTP {response.status}"
        cache = cache_state(response.getheader("Cache-Status"))
        return Label("GET", question.name, response.status, failure, cache), body, head_s
