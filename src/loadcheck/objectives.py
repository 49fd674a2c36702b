"""What is promised, as data, and the verdict on it, as pure functions."""

import math
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from loadcheck.samples import NO_ENDPOINT, Figures, Samples, figures, samples_needed

Verdict = Literal["met", "missed", "void"]
"""`void`: this run cannot tell."""

Relation = Literal["≤", "≥", "="]

SAMPLES_FOR_MEAN = 30
"""The usual rule of thumb for the mean to be about normally distributed (central limit theorem)."""


class Objective(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A promise about one endpoint, or about all requests together (`endpoint=None`).

    Latencies are of successes; the failure ratio stands beside them and is 0 unless said otherwise. Every
    limit may be reached but not passed. The rate counts every request.
    """

    endpoint: str | None = None
    mean_ms: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    failure_ratio: float = 0.0
    min_rate_per_s: float | None = None
    min_hit_ratio: float | None = None
    min_stale_ratio: float | None = None


class Check(Struct, frozen=True, kw_only=True):
    """One limit against what was measured; `reason` says why the run cannot tell."""

    metric: str
    relation: Relation
    limit: float
    figure: float | None
    verdict: Verdict
    reason: str = ""

    @property
    def is_wrong_count(self) -> bool:
        """Is it a count that had to be exact, and was not?"""
        return self.relation == "=" and self.verdict == "missed"

    def __str__(self) -> str:
        figure = "nothing" if self.figure is None else with_unit(self.metric, self.figure)
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.verdict}: {figure}, promised {self.promise}{why}"

    @property
    def promise(self) -> str:
        """The limit in words, such as `p95 ≤ 10 ms`."""
        if self.metric == "failure_ratio" and not self.limit:
            return "no failures"
        name = self.metric
        for unit in ("_ms", "_ratio", "_per_s"):
            name = name.removesuffix(unit)
        return f"{name} {self.relation} {with_unit(self.metric, self.limit)}"


class Judgement(Struct, frozen=True, kw_only=True):
    """An objective, the figures it was held against, and the verdict limit by limit."""

    objective: Objective
    figures: Figures
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """One missed limit misses; else one void limit voids."""
        return worst(check.verdict for check in self.checks)

    @property
    def has_failed(self) -> bool:
        """Did more requests fail than allowed?"""
        return any(check.metric == "failure_ratio" and check.verdict == "missed" for check in self.checks)


class _Limit(Struct, frozen=True):
    """Which figure an objective's field limits, and how many successes it takes to tell."""

    field: str
    metric: str
    relation: Relation = "≤"
    successes_needed: int = 0


LIMITS = (
    _Limit("failure_ratio", "failure_ratio"),
    _Limit("mean_ms", "mean_ms", successes_needed=SAMPLES_FOR_MEAN),
    _Limit("p50_ms", "p50_ms", successes_needed=samples_needed(0.50)),
    _Limit("p95_ms", "p95_ms", successes_needed=samples_needed(0.95)),
    _Limit("p99_ms", "p99_ms", successes_needed=samples_needed(0.99)),
    _Limit("max_ms", "max_ms", successes_needed=1),
    _Limit("min_rate_per_s", "rate_per_s", "≥"),
    _Limit("min_hit_ratio", "hit_ratio", "≥", successes_needed=1),
    _Limit("min_stale_ratio", "stale_ratio", "≥", successes_needed=1),
)


def judge(objective: Objective, samples: Samples, duration_s: float, until_s: float = math.inf) -> Judgement:
    """Hold samples taken in `duration_s` seconds, up to `until_s`, against an objective.

    Failures that belong to no endpoint count against every endpoint's objective.
    """
    measured = figures(_concerning(objective.endpoint, samples), duration_s, until_s)
    checks = (check for limit in LIMITS if (check := _check(limit, objective, measured)))
    return Judgement(objective=objective, figures=measured, checks=tuple(checks))


def with_the_rest(objectives: tuple[Objective, ...], samples: Samples) -> tuple[Objective, ...]:
    """Add, for every endpoint that no objective concerns, that it does not fail."""
    named = {objective.endpoint for objective in objectives}
    rest = sorted(set(samples.endpoints()) - named - {NO_ENDPOINT}) if None not in named else []
    return (*objectives, *(Objective(endpoint=endpoint) for endpoint in rest))


def claim(
    metric: str, figure: float, relation: Relation, limit: float, *, otherwise: Verdict = "missed"
) -> Check:
    """Hold a figure of the scenario's own (a ratio, a count of upstream calls) against a limit.

    `otherwise="void"` is for what the scenario needs to have happened before it can tell anything.
    """
    verdict: Verdict = "met" if is_kept(figure, relation, limit) else otherwise
    return Check(metric=metric, relation=relation, limit=limit, figure=figure, verdict=verdict)


def is_kept(figure: float, relation: Relation, limit: float) -> bool:
    """Compare a figure with its limit; a limit may be reached."""
    match relation:
        case "≤":
            return figure <= limit
        case "≥":
            return figure >= limit
        case "=":
            return figure == limit


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return missed before void before met: what is wrong is wrong whatever else is unknown.

    Of nothing it is void: a run that promises nothing has met nothing.
    """
    found = set(verdicts)
    if "missed" in found:
        return "missed"
    return "met" if found == {"met"} else "void"


def with_unit(metric: str, value: float) -> str:
    """Write a value of a metric as people read it, to three digits."""
    if metric.endswith("_ratio"):
        return f"{100 * value:.3g} %"
    number = f"{value:.3g}" if abs(value) < 1_000 else f"{value:,.0f}"  # noqa: PLR2004 - no 1e+03
    return number + (" ms" if metric.endswith("_ms") else "/s" if metric.endswith("_per_s") else "")


def _concerning(endpoint: str | None, samples: Samples) -> Samples:
    return samples.where(lambda label: endpoint in (None, label.endpoint) or label.endpoint == NO_ENDPOINT)


def _check(limit: _Limit, objective: Objective, measured: Figures) -> Check | None:
    promised = getattr(objective, limit.field)
    if promised is None:
        return None
    figure = getattr(measured, limit.metric)
    if reason := _cannot_tell(limit, measured):
        return Check(
            metric=limit.metric,
            relation=limit.relation,
            limit=promised,
            figure=figure,
            verdict="void",
            reason=reason,
        )
    return claim(limit.metric, figure, limit.relation, promised)


def _cannot_tell(limit: _Limit, measured: Figures) -> str:
    if not measured.requests:
        return "no requests"
    successes = measured.requests - measured.failures
    return (
        f"{successes} successes, {limit.successes_needed} needed"
        if successes < limit.successes_needed
        else ""
    )
