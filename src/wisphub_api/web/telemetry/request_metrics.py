"""How many requests were answered, and how fast: by route, method and status."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_LABELS: Final = ("route", "method", "status")
_BUCKETS_S: Final = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
_BOUNDS: Final = (*map(str, _BUCKETS_S), "+Inf")


class RequestFigures(Collector):
    """Counts and times answers, in plain numbers: only the event loop's thread touches them."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, int], _RequestRow] = {}

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answer.

        Args:
            route: As it is declared.
            method: Of the request.
            status: Of the answer.
            seconds: Until its first byte.
        """
        row = self._rows.get((route, method, status))
        if row is None:
            row = self._rows[route, method, status] = _RequestRow()
        row.buckets[bisect_left(_BUCKETS_S, seconds)] += 1
        row.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """Return the answers, and how long they took."""
        count = CounterMetricFamily("wisphub_http_requests", "Requests answered.", labels=_LABELS)
        text = "Time from a request to the first byte of its answer."
        duration = HistogramMetricFamily("wisphub_http_request_duration_seconds", text, labels=_LABELS)
        for (route, method, status), row in self._rows.items():
            labels = (route, method, str(status))
            count.add_metric(labels, sum(row.buckets))
            up_to = list(accumulate(row.buckets))
            duration.add_metric(labels, list(zip(_BOUNDS, map(float, up_to), strict=True)), row.seconds)
        yield count
        yield duration


class _RequestRow:
    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(_BUCKETS_S) + 1)
        self.seconds = 0.0
