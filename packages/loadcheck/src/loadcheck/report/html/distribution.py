"""How response times are distributed: one line an endpoint, far out into the slowest."""

import numpy as np

from loadcheck.model.judgement import Judgement
from loadcheck.model.objectives import LATENCY
from loadcheck.model.samples import Floats, Samples
from loadcheck.report.finished import Finished
from loadcheck.report.html.chart import MOST_SERIES, Chart, Numbers, Points, Series, numbers

POINTS = 160
NINES = 7
"""Up to 99.99999 %, further than two million samples reach."""


def distribution(run: Finished) -> Chart | None:
    """Draw the judged successes' latency by percentile; None when nothing succeeded.

    The further right, the rarer: each decade of `1 / (1 - share)` is another nine.
    """
    good = run.judged.succeeded()
    if not len(good):
        return None
    tail = np.logspace(0, min(np.log10(len(good)), NINES), POINTS)
    note = "Judged successes only; a diamond is a promise."
    endpoints = _commonest(good)
    if len(endpoints) < len(good.endpoints()):
        note += f" The {len(endpoints)} endpoints asked most."
    return Chart(
        title="Distribution of response times",
        note=note,
        unit="ms",
        is_log=True,
        axis="percentile",
        x=numbers(tail, 6),
        series=(*_of_all(run, good, tail), *_of_endpoints(good, endpoints, tail)),
        points=(_promises(run.result.judgements, float(tail[-1])),),
    )


def _of_all(run: Finished, good: Samples, tail: Floats) -> tuple[Series, ...]:
    workload = run.result.workload
    if workload is None or not workload.is_open:
        return (Series(name="all", values=_line(good.latency_ms, tail), colour=6),)
    return (
        Series(name="all, from when due", values=_line(good.latency_ms, tail), colour=6),
        Series(name="all, from when sent", values=_line(good.response_ms, tail), colour=6, style="dashed"),
    )


def _of_endpoints(good: Samples, endpoints: tuple[str, ...], tail: Floats) -> tuple[Series, ...]:
    if len(good.endpoints()) == 1:
        return ()
    return tuple(
        Series(name=endpoint, values=_line(good.of(endpoint).latency_ms, tail), colour=number)
        for number, endpoint in enumerate(endpoints)
    )


def _commonest(good: Samples) -> tuple[str, ...]:
    counts = good.count_by(lambda label: label.endpoint)
    return tuple(sorted(sorted(counts, key=lambda endpoint: -counts[endpoint])[:MOST_SERIES]))


def _line(latency_ms: Floats, tail: Floats) -> Numbers:
    """Read the quantiles; beyond one in as many as there are samples they tell nothing."""
    values = np.quantile(latency_ms, 1 - 1 / tail)
    return numbers(np.where(tail <= len(latency_ms), values, np.nan))


def _promises(judgements: tuple[Judgement, ...], furthest: float) -> Points:
    """Mark the limits on percentiles of all latencies or of an endpoint's."""
    found = {
        (1 / (1 - float(name["percent"].replace("_", ".")) / 100), check.limit.limit)
        for judgement in judgements
        for check in judgement.checks
        if (name := LATENCY.fullmatch(check.limit.metric)) and name["percent"]
    }
    shown = sorted(place for place in found if place[0] <= furthest)
    return Points(
        name="promise",
        mark="limit",
        x=tuple(x for x, _ in shown),
        y=tuple(y for _, y in shown),
    )
