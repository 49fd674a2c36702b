"""Comparisons that nobody made: one of each verdict."""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from msgspec.structs import replace

from loadcheck.compare.comparison import BASE, CONTROL, HEAD, SIDES, Comparison, Judged, Start
from loadcheck.compare.decide import ChangeVerdict, Rules
from loadcheck.compare.look import Curves
from loadcheck.compare.profiles import Difference
from loadcheck.model.environment import Environment
from loadcheck.model.workload import closed

CLIENTS = "/api/v1/clients/"
SEARCH = "/api/v1/clients/search"
VERIFY = "/api/v1/clients/{service_id}/verify"
BASE_COMMIT = "89abcdef0123456789abcdef0123456789abcdef"
HEAD_COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHARES = tuple(np.round(1 - np.logspace(0, -3, 61), 5).tolist())
METRICS = {"P50": 1.21, "P95": 3.4, "P99": 8.87, "CPU": 0.412}
TIMES_MS = {CLIENTS: 1.0, SEARCH: 1.6, VERIFY: 0.7}

ENVIRONMENT = Environment(
    at="2026-02-03T04:05:06Z",
    commit=HEAD_COMMIT,
    has_local_changes=True,
    python="3.11.9",
    system="Linux 6.1.0 x86_64",
    processor="Some Processor 3.0 GHz",
    cores=2,
    memory_bytes=8_000_000_000,
    load_average=(0.5, 0.4, 0.3),
    libraries={"locust": "2.47.0", "uvicorn": "0.40.0"},
)


def figure(
    endpoint: str, metric: str, change: float = 0.004, verdict: ChangeVerdict = "not slower", **more: float
) -> Judged:
    """A figure that has changed by a share, give or take two percent."""
    base = METRICS[metric] * TIMES_MS.get(endpoint, 1.0)
    told = {"low": change - 0.02, "high": change + 0.02, "visible": 0.034, **more}
    head = base * (1 + change)
    return Judged(
        endpoint=endpoint, metric=metric, base=base, head=head, change=change, verdict=verdict, **told
    )


def figures(**changed: Judged) -> tuple[Judged, ...]:
    """The figures of a run in which nothing has changed but what is given."""
    steady = [figure("all requests", "CPU", -0.003)]
    steady += [
        figure(endpoint, metric, 0.002 * number)
        for endpoint in (CLIENTS, SEARCH, VERIFY)
        for number, metric in enumerate(METRICS)
    ]
    given = {each.name: each for each in changed.values()}
    return tuple(given.get(each.name, each) for each in steady)


def curves(slower: float = 1.0) -> dict[str, Curves]:
    """Response times that get longer the rarer they are; the search of head is so many times slower."""
    times = 1 / (1 - np.array(SHARES))
    return {
        endpoint: Curves(
            shares=SHARES,
            sides={
                BASE: tuple((ms * (1 + 0.9 * np.log(times))).tolist()),
                HEAD: tuple(
                    (ms * (1 + 0.9 * np.log(times) * (slower if endpoint == SEARCH else 1.003))).tolist()
                ),
            },
        )
        for endpoint, ms in TIMES_MS.items()
    }


def starts() -> tuple[Start, ...]:
    return tuple(
        Start(
            side=side,
            ready_s=0.81 + 0.03 * number,
            memory_bytes=int(61e6 + 2e5 * number),
            peak_bytes=int(72e6 + 2e5 * number),
        )
        for number in range(3)
        for side in SIDES
    )


def outcome(**found: Any) -> Comparison:
    """A comparison that found nothing, but for what is given."""
    told: dict[str, Any] = {
        "scenario": "against_base",
        "base": BASE_COMMIT,
        "base_name": "origin/main",
        "head": HEAD_COMMIT,
        "verdict": "not slower",
        "figures": figures(),
        "control": tuple(replace(each, change=0.001, low=-0.019, high=0.021) for each in figures()),
        "rules": Rules(looks=14),
        "looked_s": 58.8,
        "rounds": 4,
        "looks": 8,
        "took_s": 131.2,
        "requests": 14_203,
        "failures": {side: {} for side in SIDES},
        "starts": starts(),
        "curves": curves(),
        "workload": closed("locustfiles/bot_traffic.py:BotUser", users=50, hold_s=300.0),
        "environment": ENVIRONMENT,
    }
    return Comparison(**{**told, **found})


def not_slower() -> Comparison:
    return outcome()


def slower() -> Comparison:
    """The search is slower and costs more, its P99 cannot be told; verifying costs less."""
    changed = figures(
        p95=figure(SEARCH, "P95", 0.0823, "slower", low=0.0512, high=0.1138),
        p99=figure(SEARCH, "P99", 0.031, "inconclusive", low=-0.041, high=0.108, visible=0.0914),
        cpu=figure(SEARCH, "CPU", 0.412, "slower", low=0.391, high=0.434),
        verify=figure(VERIFY, "CPU", -0.0614, "faster", low=-0.0801, high=-0.0422),
    )
    grown = (
        Difference(
            function="fold (clients/text.py)", base_s=0.61, head_s=1.34, base_own_s=0.42, head_own_s=1.07
        ),
        Difference(
            function="search (clients/search.py)", base_s=1.20, head_s=1.96, base_own_s=0.31, head_own_s=0.34
        ),
    )
    return outcome(verdict="slower", figures=changed, grown=grown, curves=curves(1.09))


def faster() -> Comparison:
    moved = figure(VERIFY, "P95", -0.0614, "faster", low=-0.0801, high=-0.0422)
    return outcome(verdict="faster", figures=figures(p95=moved))


def inconclusive() -> Comparison:
    """Two figures cannot be told, and of one nothing is known at all."""
    changed = figures(
        p95=figure(SEARCH, "P95", 0.03, "inconclusive", low=-0.041, high=0.108, visible=0.0914),
        p99=figure(VERIFY, "P99", 0.5, "inconclusive", low=-math.inf, high=math.inf, visible=math.inf),
    )
    return outcome(verdict="inconclusive", figures=changed)


def void() -> Comparison:
    """Base differs from itself, and head would have been called slower."""
    changed = figures(p95=figure(SEARCH, "P95", 0.0823, "slower", low=0.0512, high=0.1138))
    control = figures(p50=figure(CLIENTS, "P50", 0.0422, "slower"))
    reasons = (
        f"base differs from itself: {CLIENTS} P50 by +4.2%",
        "the load generator was short of CPU (94% of a core over the whole run)",
    )
    return outcome(verdict="void", figures=changed, control=control, void_reasons=reasons)


def failing() -> Comparison:
    """Head fails in two ways that base does not know, in one that it does, and once by chance."""
    known = {f"GET {CLIENTS}: HTTP 503": 3}
    once = {f"GET {CLIENTS}: no answer in time": 1}
    own = {f"GET {SEARCH}: HTTP 500": 12, f"GET {VERIFY}: not the client that was asked for": 9}
    return outcome(verdict="failing", failures={BASE: known, CONTROL: {}, HEAD: {**known, **own, **once}})


def empty() -> Comparison:
    """A comparison of which nothing is known but that it was tried."""
    return Comparison(scenario="empty", base="", base_name="origin/main", head="", verdict="inconclusive")


OUTCOMES: Final[Mapping[str, Comparison]] = {
    make.__name__: make() for make in (not_slower, slower, faster, inconclusive, void, failing, empty)
}
"""By what they came to; `empty` is one of which nothing is known but that it was tried."""
