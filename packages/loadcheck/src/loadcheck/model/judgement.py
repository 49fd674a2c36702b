"""What was measured, and the verdict on it: intervals, figures, limits that were checked."""

import math

from msgspec import Struct

from loadcheck.model.objectives import Limit, Objective, Relation, Verdict, with_unit, worst


class Interval(Struct, frozen=True):
    """Where the true figure lies; infinite on a side that the samples cannot bound."""

    low: float
    high: float


UNBOUNDED = Interval(-math.inf, math.inf)


class Figures(Struct, frozen=True, kw_only=True):
    """The figures every table shows. Latencies are of successes only, and None when there are none.

    Latencies count from the intended start; `service_p95_ms` from the sending; `first_byte_p95_ms` up to the
    first byte. `dropped` are arrivals that were never sent.
    """

    requests: int
    failures: int
    dropped: int
    failure_ratio: float
    rate_per_s: float
    mean_ms: float | None
    p50_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    p95_interval: Interval | None
    p99_ms: float | None
    max_ms: float | None
    service_p95_ms: float | None
    first_byte_p95_ms: float | None
    hit_ratio: float
    stale_ratio: float
    mean_bytes: float


class Check(Struct, frozen=True, kw_only=True):
    """One limit against what was measured; `reason` says why, where the figure alone does not."""

    limit: Limit
    figure: float | None
    interval: Interval | None = None
    verdict: Verdict
    reason: str = ""

    @property
    def is_wrong_count(self) -> bool:
        """Is it a count that had to be exact, and was not?"""
        return self.limit.relation == "=" and self.verdict == "missed"

    def __str__(self) -> str:
        return f"{self.verdict}: {self.measured}, promised {self.limit}" + (
            f" ({self.reason})" if self.reason else ""
        )

    @property
    def measured(self) -> str:
        """The figure in words, with its interval."""
        metric = self.limit.metric
        figure = "nothing" if self.figure is None else with_unit(metric, self.figure)
        if self.interval is None or self.figure is None:
            return figure
        low, high = with_unit(metric, self.interval.low), with_unit(metric, self.interval.high)
        return f"{figure} [{low} to {high}]"


class Judgement(Struct, frozen=True, kw_only=True):
    """An objective, the figures it was held against, and the verdict limit by limit.

    `punctual_failures` are those that no slow load generator can have caused.
    """

    objective: Objective
    figures: Figures
    punctual_failures: int
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of its limits."""
        return worst(check.verdict for check in self.checks)

    @property
    def has_failed(self) -> bool:
        """Did more requests fail than allowed, late answers apart?"""
        limits = [check.limit for check in self.checks if check.limit.metric == "failure_ratio"]
        allowed = min((limit.limit for limit in limits if limit.relation != "≥"), default=1.0)
        return self.punctual_failures > allowed * self.figures.requests


def claim(
    metric: str, figure: float, relation: Relation, limit: float, *, otherwise: Verdict = "missed"
) -> Check:
    """Hold a figure of the scenario's own (a ratio, a count of upstream calls) against a limit.

    `otherwise="void"` is for what the scenario needs to have happened before it can tell anything.
    """
    promise = Limit(metric, relation, float(limit))
    verdict: Verdict = "met" if is_kept(figure, promise) else otherwise
    return Check(limit=promise, figure=float(figure), verdict=verdict)


def is_kept(figure: float, limit: Limit) -> bool:
    """Compare a figure with its limit; a limit may be reached."""
    match limit.relation:
        case "≤":
            return figure <= limit.limit
        case "≥":
            return figure >= limit.limit
        case "=":
            return figure == limit.limit
