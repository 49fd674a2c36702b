"""What was promised, and whether it was kept."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from msgspec import Struct

from benchmarks.peers.figures import FASTAPI, LIMIT, LITESTAR, METRICS, NGINX, RATE, US, Measures, Spread
from benchmarks.peers.life import Life

Verdict = Literal["met", "not met", "not measured"]
CPU: Final = METRICS[3]
SMALL, LARGE = 2_000, 50_000
MEMORY_MB: Final = {50_000: 150.0, 500_000: 900.0}
LOOKUPS: Final = ("by document", "by phone", "by service id")
MOST_GROWTH: Final = 1.1


class Target(Struct, frozen=True):
    """At least so many times the rate of another, for the worst of the cases.

    Attributes:
        clients: With how many it holds; none: with each that was measured.
    """

    promise: str
    cases: tuple[str, ...]
    peer: str
    at_least: float
    clients: int | None = None


class Line(Struct, frozen=True):
    """A promise, what was found and the verdict."""

    promise: str
    found: str
    verdict: Verdict


CODED: Final = ("list, gzip", "list, br", "list, zstd")
RATES: Final = (
    Target("cached GET", ("plans", "list", "search, one hit", "search, many hits"), LIMIT, 0.85),
    *(Target(case, (case,), LIMIT, 0.85, SMALL) for case in CODED),
    Target("list, gzip", ("list, gzip",), NGINX, 40, SMALL),
    Target("list, gzip", ("list, gzip",), FASTAPI, 60, SMALL),
    Target("304", ("list, 304",), LIMIT, 0.85),
    *(Target(case, (case,), LIMIT, 0.8) for case in LOOKUPS),
    Target("verify", ("verify",), LITESTAR, 0.9),
    Target("verify", ("verify",), LIMIT, 0.6),
)


ELSEWHERE: Final = Line(
    "search not asked before, in process: P95 1 ms at 50,000 clients, 5 ms at 500,000",
    "make bench",
    "not measured",
)


def judge(measures: Measures, lives: Sequence[Life]) -> list[Line]:
    """Judge all that was measured."""
    return [
        *(judge_rate(target, measures) for target in RATES),
        *_growth(measures),
        *_lives(lives),
        ELSEWHERE,
    ]


def judge_rate(target: Target, measures: Measures) -> Line:
    """Judge one ratio of rates by its median; where the rounds do not agree, that is said."""
    promise = f"{target.promise}: {target.at_least:g} of {target.peer}"
    if target.clients:
        promise += f", {target.clients:,} clients"
    sizes = [target.clients] if target.clients else measures.sizes()
    found = [
        (ratio, f"{case}, {clients:,} clients")
        for clients in sizes
        for case in target.cases
        if (ratio := measures.ratio(RATE, clients, case, (US, target.peer)))
    ]
    if not found:
        return Line(promise, "", "not measured")
    worst, where = min(found, key=lambda each: each[0].median)
    text = f"{_spread(worst, 2)}: {where}"
    return Line(
        promise, text + _doubt(worst, target.at_least), verdict(is_met=worst.median >= target.at_least)
    )


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
    """Say it in words."""
    return "met" if is_met else "not met"


def _spread(found: Spread, digits: int) -> str:
    return f"{found.median:.{digits}f} [{found.low:.{digits}f} to {found.high:.{digits}f}]"


def _doubt(found: Spread, limit: float) -> str:
    return ", the rounds do not agree" if found.low < limit <= found.high else ""
