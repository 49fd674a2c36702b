"""`/metrics` for Prometheus: requests, caches, calls to WispHub Net, the event loop and the process.

Labels hold routes as they are declared, names and outcomes: never what a caller sent. Each application
has a registry of its own. With several worker processes a scrape reaches one of them: its figures carry its
number as `worker`, and the connection is closed, so that the next scrape reaches any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from platform import python_version
from types import MappingProxyType
from typing import Any, Final, get_args

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.state import CacheState, State
from wisphub_api.upstream.breaker import Breaker
from wisphub_api.upstream.budget import Budget
from wisphub_api.upstream.client import UpstreamCall
from wisphub_api.web.rules.admission import OPEN
from wisphub_api.web.telemetry.loop_lag import WINDOW_S, LoopLag

MEDIA_TYPE: Final = "text/plain; version=0.0.4"
_CALL_BUCKETS_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LAG_BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class MetricsController(Controller):
    """For Prometheus; needs no key, as it tells nothing of any subscriber."""

    path = "/metrics"
    tags = ("Operations",)
    opt = MappingProxyType({OPEN: True})
    security = ({},)

    @get("/", summary="Figures for Prometheus", media_type=MEDIA_TYPE)
    async def page(self, registry: NamedDependency[CollectorRegistry]) -> Response[bytes]:
        """Tell requests, caches, calls to WispHub Net, event-loop lag and the process, as text."""
        headers = {"Connection": "close"} if isinstance(registry, Labelled) else {}
        return Response(generate_latest(registry), media_type=MEDIA_TYPE, headers=headers)


class Labelled(CollectorRegistry):
    """Another registry, each figure with further labels; for one of several workers."""

    def __init__(self, registry: CollectorRegistry, **labels: str) -> None:
        super().__init__()
        self._registry = registry
        self._labels = labels

    def collect(self) -> Iterator[Metric]:
        """Give what the other registry gives, labelled."""
        for family in self._registry.collect():
            samples = family.samples
            family.samples = [s._replace(labels={**s.labels, **self._labels}) for s in samples]
            yield family


def new_registry() -> CollectorRegistry:
    """Make a registry with the figures of the process and what the service is built of."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    Info("wisphub_api", "The service and what it stands on.", registry=registry).info(
        {"version": version("wisphub-api"), "litestar": version("litestar"), "python": python_version()}
    )
    return registry


def watching_loop(registry: CollectorRegistry) -> LoopLag:
    """Make the watch over the event loop, to be opened by the app's lifespan."""
    lateness = Histogram(
        "wisphub_event_loop_lag_seconds",
        "How late the event loop wakes.",
        buckets=_LAG_BUCKETS_S,
        registry=registry,
    )
    lag = LoopLag(lateness.observe)
    highest = f"The highest lateness of the last {WINDOW_S:g} seconds."
    Gauge("wisphub_event_loop_lag_max_seconds", highest, registry=registry).set_function(lag.highest_s)
    return lag


def counting_calls(registry: CollectorRegistry) -> Callable[[UpstreamCall], None]:
    """Make what `WispHubNet` tells its calls to."""
    duration = Histogram(
        "wisphub_upstream_call_duration_seconds",
        "Calls to WispHub Net, each try by itself.",
        ("path", "outcome"),
        buckets=_CALL_BUCKETS_S,
        registry=registry,
    )

    def note(call: UpstreamCall) -> None:
        duration.labels(call.path, call.outcome).observe(call.elapsed_s)

    return note


def counting_checks(registry: CollectorRegistry) -> Callable[[str], None]:
    """Make what is told how each identity check ended."""
    count = Counter("wisphub_identity_checks", "Identity checks.", ("outcome",), registry=registry)
    outcomes = ("valid", "invalid", "no_such_client", "refused")
    counts = {outcome: count.labels(outcome) for outcome in outcomes}
    return lambda outcome: counts[outcome].inc()


class CacheFigures(Collector):
    """Reads the caches' own counts when it is asked; a request pays nothing for them."""

    def __init__(self, caches: Sequence[Cached[Any]]) -> None:
        self._caches = caches

    def collect(self) -> Iterator[Metric]:
        """Give every figure of every cache; a cold cache has no age."""
        states = [cache.state() for cache in self._caches]
        yield _gauge("age_seconds", "Age of what is in the cache.", states, lambda state: state.age_s)
        yield _gauge(
            "ttl_seconds", "How long that is still fresh; below 0: stale.", states, lambda state: state.ttl_s
        )
        yield _gauge("items", "How many items it holds.", states, lambda state: state.size)
        yield _states(states)
        yield _gauge(
            "last_load_seconds", "How long the last good load took.", states, lambda state: state.last_load_s
        )
        yield _counter(
            "answers",
            "Answers: fresh (hit), past the TTL (stale), or after waiting for a load (miss).",
            states,
            lambda state: {"hit": state.hits, "stale": state.stale_answers, "miss": state.misses},
        )
        yield _counter(
            "loads",
            "Loads from WispHub Net that have ended.",
            states,
            lambda state: {"ok": state.good_loads, "failed": state.failed_loads},
        )


class UpstreamFigures(Collector):
    """Reads how the calls to WispHub Net are held back: by its budget, by the circuit breaker."""

    def __init__(self, budget: Budget, breaker: Breaker) -> None:
        self._budget = budget
        self._breaker = breaker

    def collect(self) -> Iterator[Metric]:
        """Give every figure; without a limit there is no rate."""
        budget, is_open = self._budget.state(), self._breaker.state != "closed"
        figures = {
            "calls_under_way": ("Calls that are under way.", float(budget.under_way)),
            "calls_waiting": ("Calls that wait for a permit.", float(budget.waiting)),
            "calls_allowed_per_second": ("The rate that is kept, where there is one.", budget.per_s),
            "pause_seconds": ("How long nothing is sent yet, after a 429.", budget.pauses_s),
            "breaker_open": ("1 while WispHub Net is taken to be down.", float(is_open)),
        }
        for name, (text, value) in figures.items():
            family = GaugeMetricFamily(f"wisphub_upstream_{name}", text)
            if value is not None:
                family.add_metric((), value)
            yield family


def _gauge(
    name: str, text: str, states: list[CacheState], value: Callable[[CacheState], float | None]
) -> Metric:
    family = GaugeMetricFamily(f"wisphub_cache_{name}", text, labels=("cache",))
    for state in states:
        if (found := value(state)) is not None:
            family.add_metric((state.name,), found)
    return family


def _states(states: list[CacheState]) -> Metric:
    family = GaugeMetricFamily(
        "wisphub_cache_state", "1 for the state that it is in.", labels=("cache", "state")
    )
    for state in states:
        for name in get_args(State):
            family.add_metric((state.name, name), float(state.state == name))
    return family


def _counter(
    name: str, text: str, states: list[CacheState], counts: Callable[[CacheState], dict[str, int]]
) -> Metric:
    family = CounterMetricFamily(f"wisphub_cache_{name}", text, labels=("cache", "outcome"))
    for state in states:
        for outcome, count in counts(state).items():
            family.add_metric((state.name, outcome), count)
    return family
