"""Figures of a run: each round's ratio to the bare ASGI app, the median of the rounds and their spread."""

import time
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Final

import psutil
from msgspec import Struct

US: Final = "wisphub-api"
TWO_WORKERS, WITH_REDIS = f"{US}, 2 workers", f"{US}, Redis"
LIMIT, GRANIAN, FLOOR = "bare ASGI", "granian", "C floor"
LITESTAR, FASTAPI, NGINX, VARNISH = "bare Litestar", "FastAPI", "nginx", "Varnish"
SERVERS: Final = (LIMIT, US, TWO_WORKERS, WITH_REDIS, GRANIAN, FLOOR, LITESTAR, FASTAPI, NGINX, VARNISH)
RECORDED: Final = frozenset({LIMIT, GRANIAN, FLOOR})
"""They send what was recorded of the service, and know no other request."""
MOST_OTHER_CORES = 0.15
MOST_STOLEN_CORES = 0.02
BUSY_GENERATOR_CORES = 0.9


class Moment(Struct, frozen=True, kw_only=True):
    """CPU seconds that all cores have spent so far, and those that the host took away."""

    at_s: float
    busy_s: float
    stolen_s: float


class Disturbance(Struct, frozen=True, kw_only=True):
    """What others used of the machine between two moments, in cores.

    Attributes:
        other: Busy with neither the server nor the load generator.
        stolen: Taken away by the host.
    """

    other: float
    stolen: float

    @property
    def cores(self) -> float:
        """All of it."""
        return self.other + self.stolen

    @property
    def is_noisy(self) -> bool:
        """Whether it was enough to be seen in the figures."""
        return self.other > MOST_OTHER_CORES or self.stolen > MOST_STOLEN_CORES


class Measure(Struct, frozen=True, kw_only=True):
    """One server, driven once with one case.

    Attributes:
        clients: How many clients the provider has.
        cpu_s_per_1000: What the server spent for 1,000 requests, in CPU seconds.
        memory_mb: The most that the server held meanwhile, in 10^6 bytes.
        generator_cores: How busy the load generator was.
    """

    clients: int
    case: str
    server: str
    round: int
    requests: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_s_per_1000: float
    memory_mb: float
    generator_cores: float
    disturbance: Disturbance


class Missing(Struct, frozen=True, kw_only=True):
    """A server that was not measured with a case, and why."""

    clients: int
    case: str
    server: str
    why: str
    is_failure: bool


class Spread(Struct, frozen=True):
    """A figure of several rounds."""

    median: float
    low: float
    high: float


class Metric(Struct, frozen=True):
    """A figure of a measure, and what it is called."""

    title: str
    of: Callable[[Measure], float]


CPU: Final = Metric("CPU s per 1,000", lambda one: one.cpu_s_per_1000)
RATE: Final = Metric("requests/s", lambda one: one.requests_per_s)
METRICS: Final = (
    CPU,
    RATE,
    Metric("P50 ms", lambda one: one.p50_ms),
    Metric("P99 ms", lambda one: one.p99_ms),
    Metric("memory MB", lambda one: one.memory_mb),
)


class Measures:
    """All measures of a run, to be looked up by clients, case and server."""

    def __init__(self, measures: Iterable[Measure]) -> None:
        self._found: dict[tuple[int, str, str], dict[int, Measure]] = {}
        for one in measures:
            self._found.setdefault((one.clients, one.case, one.server), {})[one.round] = one

    def cases(self, clients: int) -> list[str]:
        """Return the cases measured with so many clients, in their order."""
        return list(dict.fromkeys(case for count, case, _ in self._found if count == clients))

    def sizes(self) -> list[int]:
        """Return the numbers of clients, in their order."""
        return list(dict.fromkeys(count for count, _, _ in self._found))

    def has(self, clients: int, case: str, server: str) -> bool:
        """Return whether it was measured."""
        return (clients, case, server) in self._found

    def figure(self, metric: Metric, clients: int, case: str, server: str) -> Spread:
        """Return a metric over all rounds."""
        return spread([metric.of(one) for one in self._found[clients, case, server].values()])

    def ratio(self, metric: Metric, clients: int, case: str, servers: tuple[str, str]) -> Spread | None:
        """Return the ratio of the first server to the second, round by round; None without both."""
        ours, theirs = (self._found.get((clients, case, server), {}) for server in servers)
        rounds = [each for each in ours if each in theirs and metric.of(theirs[each])]
        return (
            spread([metric.of(ours[each]) / metric.of(theirs[each]) for each in rounds]) if rounds else None
        )


def spread(values: Sequence[float]) -> Spread:
    """Return the median, the lowest and the highest."""
    return Spread(median(values), min(values), max(values))


def look() -> Moment:
    """Read the counters; interrupts are left out, as they belong to no process."""
    times = psutil.cpu_times()
    return Moment(
        at_s=time.monotonic(),
        busy_s=times.user + times.nice + times.system,
        stolen_s=getattr(times, "steal", 0.0),
    )


def disturbance(before: Moment, after: Moment, own_s: float) -> Disturbance:
    """Return what was used beside `own_s` CPU seconds of ours."""
    elapsed_s = after.at_s - before.at_s
    return Disturbance(
        other=max(0.0, after.busy_s - before.busy_s - own_s) / elapsed_s,
        stolen=max(0.0, after.stolen_s - before.stolen_s) / elapsed_s,
    )
