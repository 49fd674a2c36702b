"""What is promised, and whether a run kept it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from msgspec import Struct

from benchmarks.peers.cases import CACHED
from benchmarks.peers.figures import (
    CPU,
    FASTAPI,
    LIMIT,
    LITESTAR,
    NGINX,
    RATE,
    TWO_WORKERS,
    US,
    WITH_REDIS,
    Measures,
    Metric,
    Spread,
)
from benchmarks.peers.life import Life

Verdict = Literal["met", "not met", "not measured"]
SMALL: Final = 2_000
MEMORY_MB: Final = {50_000: 150.0, 500_000: 900.0}
LOOKUPS: Final = ("by document", "by phone", "by service id")
MOST_GROWTH: Final = 1.1


class Target(Struct, frozen=True):
    """A ratio of two servers: of CPU time a request, with an upper bound, or of rates, with a lower one.

    Attributes:
        cases: The worst of them counts.
        bound: What the ratio may be.
        servers: Whose ratio it is, the first to the second.
        clients: With how many it holds; none: with each that was measured.
    """

    promise: str
    cases: tuple[str, ...]
    metric: Metric
    bound: float
    servers: tuple[str, str] = (US, LIMIT)
    clients: int | None = None

    def text(self) -> str:
        """Return it in words."""
        ours, theirs = self.servers
        whose = "" if ours == US else f", {ours}"
        how = "at most" if self.metric is CPU else "at least"
        where = f", {self.clients:,} clients" if self.clients else ""
        unit = "CPU" if self.metric is CPU else "rate"
        return f"{self.promise}{whose}: {unit} {how} {self.bound:g} of {theirs}{where}"

    def is_met(self, ratio: float) -> bool:
        """Return whether a ratio keeps it."""
        return ratio <= self.bound if self.metric is CPU else ratio >= self.bound


class Line(Struct, frozen=True):
    """A promise, what was found and the verdict."""

    promise: str
    found: str
    verdict: Verdict


CODED: Final = ("list, gzip", "list, br", "list, zstd")
TARGETS: Final = (
    Target("cached GET", CACHED, CPU, 1.18),
    Target("list, coded", CODED, CPU, 1.18, clients=SMALL),
    Target("list, 304", ("list, 304",), CPU, 1.18),
    Target("by document or phone", ("by document", "by phone"), CPU, 1.25),
    Target("cached GET", CACHED, CPU, 1.1, (TWO_WORKERS, US)),
    Target("verify", ("verify",), CPU, 2.0),
    Target("verify", ("verify",), CPU, 4.0, (TWO_WORKERS, LIMIT)),
    Target("verify", ("verify",), CPU, 4.0, (WITH_REDIS, LIMIT)),
    Target("search, first time", ("search, first time",), CPU, 2.5, clients=SMALL),
    Target("verify", ("verify",), RATE, 0.9, (US, LITESTAR)),
    Target("list, gzip", ("list, gzip",), RATE, 40, (US, NGINX), SMALL),
    Target("list, gzip", ("list, gzip",), RATE, 60, (US, FASTAPI), SMALL),
)


ELSEWHERE: Final = Line(
    "search, first time, in process: P95 1 ms at 50,000 clients, 5 ms at 500,000",
    "make bench",
    "not measured",
)


def judge(measures: Measures, lives: Sequence[Life]) -> list[Line]:
    """Judge all that was measured."""
    return [
        *(judge_ratio(target, measures) for target in TARGETS),
        *_growth(measures),
        *_lives(lives),
        ELSEWHERE,
    ]


def judge_ratio(target: Target, measures: Measures) -> Line:
    """Judge the worst case's ratio by its median; where the rounds do not agree, the line says so."""
    found = [
        (ratio, f"{case}, {clients:,} clients")
        for clients in ([target.clients] if target.clients else measures.sizes())
        for case in target.cases
        if (ratio := measures.ratio(target.metric, clients, case, target.servers))
    ]
    if not found:
        return Line(target.text(), "", "not measured")
    worst_of = max if target.metric is CPU else min
    worst, where = worst_of(found, key=lambda each: each[0].median)
    agree = target.is_met(worst.low) == target.is_met(worst.high)
    doubt = "" if agree else ", the rounds do not agree"
    met = verdict(is_met=target.is_met(worst.median))
    return Line(target.text(), f"{_spread(worst, 2)}: {where}{doubt}", met)


def _growth(measures: Measures) -> Iterator[Line]:
    """Judge what a request costs the server with the most clients beside the fewest."""
    sizes = sorted(measures.sizes())
    for case in (*LOOKUPS, "verify"):
        if len(sizes) < 2 or not all(measures.has(count, case, US) for count in (sizes[0], sizes[-1])):  # noqa: PLR2004  # both ends
            continue
        few, many = (measures.figure(CPU, count, case, US).median for count in (sizes[0], sizes[-1]))
        promise = f"{case}: CPU with {sizes[-1]:,} clients {MOST_GROWTH} of that with {sizes[0]:,}"
        yield Line(promise, f"{many / few:.2f}", verdict(is_met=many / few <= MOST_GROWTH))


def _lives(lives: Iterable[Life]) -> Iterator[Line]:
    for life in lives:
        yield from judge_life(life)


def judge_life(life: Life) -> Iterator[Line]:
    """Judge start, crawl, refresh and memory."""
    many = f"{life.clients:,} clients"
    yield Line(
        f"start until `/health` answers, {many}: 1.0 s",
        f"{_spread(life.start_s, 2)} s",
        verdict(is_met=life.start_s.median <= 1.0),
    )
    crawl = life.crawl_s / life.least_crawl_s
    promise = f"crawl, {many}: 1.25 of pages / 8 x 250 ms"
    yield Line(promise, f"{crawl:.2f}: {life.crawl_s:.1f} s", verdict(is_met=crawl <= 1.25))  # noqa: PLR2004
    yield Line(
        f"event loop during a refresh, {many}: late by 10 ms at most",
        f"{_spread(life.lag_ms, 1)} ms; calm {_spread(life.calm_lag_ms, 1)} ms",
        verdict(is_met=life.lag_ms.median <= 10),  # noqa: PLR2004
    )
    yield Line(
        f"P99 during a refresh, {many}: 1.5 of the calm one",
        f"{_spread(life.p99_ratio, 2)}; calm {_spread(life.calm_p99_ms, 2)} ms",
        verdict(is_met=life.p99_ratio.median <= 1.5),  # noqa: PLR2004
    )
    if most := MEMORY_MB.get(life.clients):
        promise = f"memory, {many}, also while refreshing: {most:g} MB"
        yield Line(promise, f"{life.memory_mb:.0f} MB", verdict(is_met=life.memory_mb <= most))


def verdict(*, is_met: bool) -> Verdict:
    """Return it in words."""
    return "met" if is_met else "not met"


def _spread(found: Spread, digits: int) -> str:
    return f"{found.median:.{digits}f} [{found.low:.{digits}f} to {found.high:.{digits}f}]"
