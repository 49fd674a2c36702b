"""What GitLab shows in a merge request: `load-performance.json` of a scenario, `metrics.txt` of all.

GitLab shows every difference, however small, so figures are rounded to what the run can tell.
"""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from loadcheck.judge.intervals import mean_interval, percentile, percentile_interval
from loadcheck.judge.measured import Measured
from loadcheck.model.judgement import Interval, Judgement
from loadcheck.model.result import Result
from loadcheck.model.samples import Floats
from loadcheck.report.words import title

SHARES: Final = {"med": 0.50, "p(90)": 0.90, "p(95)": 0.95}
ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def write_load_performance(path: Path, measured: Measured) -> None:
    """Write k6's legacy summary of one scenario.

    Of one, because GitLab compares a single set of figures: percentiles over several scenarios would move
    with their mixture, whatever the server does. The pipeline names the scenario that it shows.
    """
    path.write_text(json.dumps({"metrics": k6_metrics(measured)}, indent=2) + "\n", encoding="utf-8")


def k6_metrics(measured: Measured) -> dict[str, Any]:
    """Return the three metrics that GitLab reads; `http_req_waiting` is the time to first byte in ms."""
    rate = measured.estimate("rate_per_s")
    failed = measured.estimate("failure_ratio")
    requests, failures = len(measured.samples), len(measured.samples.failed())
    return {
        "http_reqs": {"count": requests, "rate": rounded(rate.figure or 0.0, rate.interval)},
        "http_req_waiting": _waiting(measured),
        "checks": {
            "value": 1 - rounded(failed.figure or 0.0, failed.interval),
            "passes": requests - failures,
            "fails": failures,
        },
    }


def metrics_text(results: Iterable[Result]) -> str:
    """Return the figures of every scenario that is not void, as OpenMetrics lines, a metric's together."""
    samples = {
        (name, labelled(labels)): value
        for result in results
        if not result.void_reasons
        for name, labels, value in _samples(result)
    }
    lines = (f"{name}{labels} {value:.12g}" for (name, labels), value in sorted(samples.items()))
    return "\n".join([*lines, "# EOF"]) + "\n"


def labelled(labels: dict[str, str]) -> str:
    """Write a sample's labels, whatever stands in them."""
    pairs = ",".join(f'{key}="{text.translate(ESCAPES)}"' for key, text in labels.items())
    return f"{{{pairs}}}"


def _waiting(measured: Measured) -> dict[str, float]:
    good = measured.samples.succeeded()
    known = ~np.isnan(good.first_byte_ms)
    values, at_s = good.first_byte_ms[known], good.done_s[known]
    if not len(values):
        return {}
    return {
        "avg": rounded(float(values.mean()), mean_interval(values, at_s)),
        "min": rounded(float(values.min()), None),
        "max": rounded(float(values.max()), None),
        **{name: _percentile(values, at_s, share) for name, share in SHARES.items()},
    }


def _percentile(values: Floats, at_s: Floats, share: float) -> float:
    return rounded(percentile(values, share) or 0.0, percentile_interval(values, at_s, share))


def _samples(result: Result) -> Iterator[tuple[str, dict[str, str], float]]:
    for judgement in result.judgements:
        labels = {"scenario": title(result), "endpoint": judgement.objective.endpoint or "all"}
        for name, value in _figures(judgement).items():
            yield f"loadcheck_{name}", labels, value
    for check in result.claims:
        if check.figure is not None:
            labels = {"scenario": title(result), "claim": check.limit.metric}
            yield "loadcheck_claim", labels, _as_told(check.figure, check.interval)


def _figures(judgement: Judgement) -> dict[str, float]:
    """Return the P95, the failures, and whatever was promised, each rounded by its own interval."""
    figures = judgement.figures
    found = {"failure_ratio": rounded(figures.failure_ratio, None)}
    if figures.p95_ms is not None:
        found["p95_ms"] = rounded(figures.p95_ms, figures.p95_interval)
    for check in judgement.checks:
        if check.figure is not None:
            found[check.limit.metric] = _as_told(check.figure, check.interval)
    return found


def _as_told(value: float, interval: Interval | None) -> float:
    """Round, but leave a count as it is."""
    return value if interval is None and value.is_integer() else rounded(value, interval)


STEPS = (1.0, 2.0, 5.0, 10.0)


def rounded(value: float, interval: Interval | None) -> float:
    """Round a figure to a step as wide as its interval; a digit always stays, two where nothing bounds it.

    The step is 1, 2 or 5 times a power of ten, so that it hardly changes from run to run. What lies just
    between two steps can still fall on either side.
    """
    digit = 10.0 ** math.floor(math.log10(abs(value))) if value else 0.0
    step = min(_step(interval.high - interval.low), digit) if interval else digit / 10
    if not step:
        return value
    digits = max(-math.floor(math.log10(step)), 0)
    return round(round(value / step) * step, digits)


def _step(width: float) -> float:
    """Return the smallest step that is not narrower than a width; 0 for a width of 0."""
    if width <= 0 or math.isinf(width):
        return width
    power = 10.0 ** math.floor(math.log10(width))
    return next(step * power for step in STEPS if step * power >= width or step == STEPS[-1])
