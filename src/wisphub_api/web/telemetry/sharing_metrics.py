"""Figures of what is shared with other processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from wisphub_api.cache.cached import Cached
from wisphub_api.shared.backend import TellLink


class SharingFigures(Collector):
    """Reads how it stands with Redis, and how many values came from other processes.

    Args:
        link: Tells how it stands with Redis.
        caches: Those whose values may be shared.
    """

    def __init__(self, link: TellLink, caches: Sequence[Cached[Any]]) -> None:
        self._link = link
        self._caches = caches

    def collect(self) -> Iterator[Metric]:
        """Give every figure; without Redis none of it."""
        taken_over = CounterMetricFamily(
            "wisphub_cache_taken_over", "Values that another process had loaded.", labels=("cache",)
        )
        for state in (cache.state() for cache in self._caches):
            taken_over.add_metric((state.name,), state.taken_over)
        yield taken_over
        link = self._link()
        if link is None:
            return
        is_up = float(link.state == "together")
        yield GaugeMetricFamily("wisphub_redis_up", "0 while the process goes on without Redis.", is_up)
        text = "How often it had to begin to go on without Redis."
        yield CounterMetricFamily("wisphub_redis_troubles", text, link.troubles)
