"""What is promised, as data, and the verdicts there are."""

import math
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal

from msgspec import Struct

Verdict = Literal["met", "missed", "inconclusive", "void"]
"""`inconclusive`: the figure is too uncertain to tell; `void`: the run says nothing about the server."""

Relation = Literal["≤", "≥", "="]

LATENCY = re.compile(r"(?:service_|first_byte_)?(?:mean|max|p(?P<percent>[1-9]\d?(?:_\d+)?))_ms")
"""`p99_9_ms` is the 99.9th percentile; `service_` counts from sending, `first_byte_` to the first byte."""

RATIOS = ("failure_ratio", "dropped_ratio", "hit_ratio", "stale_ratio")
SERVER_FIGURES = ("cpu_cores", "memory_mb", "threads", "open_files", "lag_max_ms")
OTHER_FIGURES = ("rate_per_s", *RATIOS, *SERVER_FIGURES)
COMMON = ("mean_ms", "max_ms", "p50_ms", "p95_ms", "p99_ms", "service_p95_ms", "first_byte_p95_ms")
UNITS = re.compile(r"_(ms|ratio|per_s|mb|cores)$|^p\d")
PREFIXES: dict[str, Relation] = {"min_": "≥", "exactly_": "="}


class Limit(Struct, frozen=True):
    """A metric, and what it must not be above (≤) or below (≥), or must equal; a limit may be reached."""

    metric: str
    relation: Relation
    limit: float

    def __str__(self) -> str:
        if self.metric == "failure_ratio" and not self.limit:
            return "no failures"
        name = re.sub(r"(?<=\d)_(?=\d)", ".", self.metric)  # p99_9_ms
        for unit in ("_ms", "_ratio", "_per_s", "_mb"):
            name = name.removesuffix(unit)
        return f"{name.replace('_', ' ')} {self.relation} {with_unit(self.metric, self.limit)}"


class Objective(Struct, frozen=True, kw_only=True):
    """A promise about one endpoint, or about all requests together (`endpoint=None`)."""

    endpoint: str | None = None
    limits: tuple[Limit, ...] = ()


def objective(endpoint: str | None = None, /, **limits: float) -> Objective:
    """Promise limits for one endpoint, or for all requests together.

    A name is a metric's: `mean_ms`, `max_ms` or any percentile (`p95_ms`, `p99_9_ms`) of the successes'
    latency, counted from the intended start; the same with `service_` (from the sending) or `first_byte_`
    before it; `rate_per_s`, `failure_ratio`, `dropped_ratio`, `hit_ratio`, `stale_ratio`; of the server's
    process tree `cpu_cores`, `memory_mb`, `threads`, `open_files`, `lag_max_ms`; or a counter that the test
    gave to `play`. The value may not be passed; with `min_` before the name not fallen short of, with
    `exactly_` it must be hit. Nothing may fail unless said otherwise.

    Raises:
        ValueError: A name that is no metric's, saying which is meant or allowed; a share above 1; no number.
    """
    promised = [_limit(name, value) for name, value in limits.items()]
    if endpoint and any(limit.metric == "dropped_ratio" for limit in promised):
        raise ValueError("dropped arrivals belong to no endpoint: promise dropped_ratio of all requests")
    says_failures = any(limit.metric == "failure_ratio" for limit in promised)
    silent = () if says_failures else (Limit("failure_ratio", "≤", 0.0),)
    return Objective(endpoint=endpoint, limits=(*silent, *promised))


def _limit(name: str, value: float) -> Limit:
    for prefix, relation in PREFIXES.items():
        if name.startswith(prefix):
            return _sound(Limit(_metric(name.removeprefix(prefix)), relation, float(value)))
    return _sound(Limit(_metric(name), "≤", float(value)))


def _sound(limit: Limit) -> Limit:
    """Refuse what every run or none would meet: a share in percent, no number."""
    if math.isnan(limit.limit) or (limit.metric in RATIOS and not 0 <= limit.limit <= 1):
        allowed = "a share from 0 to 1" if limit.metric in RATIOS else "a number"
        raise ValueError(f"{limit.metric} is promised as {allowed}, not {limit.limit:g}")
    return limit


def _metric(name: str) -> str:
    if is_metric(name) or not UNITS.search(name):  # without a unit it may be a counter's name
        return name
    close = get_close_matches(name, (*COMMON, *OTHER_FIGURES), n=1)
    meant = f"; did you mean {close[0]}?" if close else "."
    raise ValueError(
        f"{name!r} is no metric{meant} Allowed: any p<percent>_ms, {', '.join((*COMMON, *OTHER_FIGURES))}"
    )


def is_metric(name: str) -> bool:
    """Return whether it is a metric that every run has."""
    return bool(LATENCY.fullmatch(name)) or name in OTHER_FIGURES


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return missed before void before inconclusive before met.

    What is wrong is wrong whatever else is unknown. Of nothing it is void: a run that promises nothing has
    met nothing.
    """
    found = set(verdicts)
    order: tuple[Verdict, ...] = ("missed", "void", "inconclusive", "met")
    return next((verdict for verdict in order if verdict in found), "void")


def with_unit(metric: str, value: float) -> str:
    """Write a value of a metric as people read it, to three digits."""
    if metric.endswith("_ratio"):
        return f"{100 * value:.3g} %"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    number = f"{value:.3g}" if abs(value) < 1_000 else f"{value:,.0f}"  # noqa: PLR2004 - no 1e+03
    units = {"ms": " ms", "s": "/s", "mb": " MB", "cores": " cores"}
    return number + units.get(metric.rpartition("_")[2], "")
