"""Requests one at a time from the test itself, timed and kept like the load generator's.

For questions about a single caller (what does the first one wait?) that need no load. They are measured in
the test's process, which does nothing else meanwhile.
"""

import http.client
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from msgspec import Struct

from loadcheck.cache_status import cache_state
from loadcheck.samples import Label, Samples
from loadcheck.server import HOST, Server

ANSWER_WITHIN_S = 10.0


class Question(Struct, frozen=True, kw_only=True):
    """A GET: its path, its name in reports, and a check that returns what is wrong with the body or ""."""

    path: str
    name: str
    what_is_wrong: Callable[[bytes], str] = lambda _: ""


class Probe:
    """One caller with a kept connection to one server; its clock starts with its construction."""

    def __init__(self, server: Server, *, headers: Mapping[str, str] | None = None) -> None:
        self._headers = dict(headers or {})
        self._connection = http.client.HTTPConnection(HOST, server.port, timeout=ANSWER_WITHIN_S)
        self._zero = time.perf_counter()
        self._rows: list[tuple[Label, float, float, float, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def ask(self, question: Question) -> Label:
        """Ask once and keep the sample; return its label: status, failure, cache state."""
        start_s = time.perf_counter() - self._zero
        label, body = self._answer(question)
        end_s = time.perf_counter() - self._zero
        if not label.failure:
            label = Label(
                label.method, label.endpoint, label.status, question.what_is_wrong(body), label.cache
            )
        done_s = time.perf_counter() - self._zero
        self._rows.append((label, start_s, done_s, (end_s - start_s) * 1_000, len(body)))
        return label

    def samples(self) -> Samples:
        """What was asked so far."""
        if not self._rows:
            return Samples()
        labels, start_s, done_s, response_ms, size = zip(*self._rows, strict=True)
        return Samples(labels, start_s, done_s, response_ms, size, range(len(labels)))

    def _answer(self, question: Question) -> tuple[Label, bytes]:
        try:
            self._connection.request("GET", question.path, headers=self._headers)
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()  # the next request opens it anew
            return Label("GET", question.name, 0, type(error).__name__), b""
        failure = "" if response.status == http.HTTPStatus.OK else f"HTTP {response.status}"
        cache = cache_state(response.getheader("Cache-Status"))
        return Label("GET", question.name, response.status, failure, cache), body
