"""Does a run end as it began? What memory and latency have grown by, as claims of a soak."""

import math
from itertools import pairwise

import numpy as np

from loadcheck.generator import Run
from loadcheck.intervals import Interval, percentile
from loadcheck.judge import Check
from loadcheck.objectives import Limit, Verdict
from loadcheck.samples import Floats
from loadcheck.trend import trend

SLICES = 100


def memory_drift(run: Run, *, at_most_mb: float) -> Check:
    """Hold the growth of the tested server's memory over the judged stretch against a limit."""
    window = run.facts.judged
    moments = [moment for moment in run.servers[run.under_test] if moment.at_s >= window.start_s]
    at_s = np.array([moment.at_s for moment in moments])
    memory_mb = np.array([moment.memory_bytes / 1e6 for moment in moments])
    return _drift("memory_drift_mb", at_s, memory_mb, window.duration_s, at_most_mb)


def latency_drift(run: Run, *, at_most_ms: float) -> Check:
    """Hold the growth of the successes' median latency over the judged stretch against a limit."""
    window, good = run.facts.judged, run.judged.succeeded()
    edges = np.linspace(window.start_s, window.end_s, SLICES + 1)
    parts = [good.latency_ms[(good.done_s >= start) & (good.done_s < end)] for start, end in pairwise(edges)]
    known = [(at_s, percentile(part, 0.5)) for at_s, part in zip(edges, parts, strict=False) if len(part)]
    at_s = np.array([at for at, _ in known])
    medians_ms = np.array([value for _, value in known], np.float64)
    return _drift("latency_drift_ms", at_s, medians_ms, window.duration_s, at_most_ms)


def _drift(name: str, at_s: Floats, values: Floats, duration_s: float, at_most: float) -> Check:
    """Judge a trend; where it has no bound, the readings' range is one: more it cannot have been."""
    found = trend(at_s, values)
    most = float(np.ptp(values)) if len(values) else math.inf
    low, high = found.interval.low * duration_s, found.interval.high * duration_s
    interval = Interval(
        max(low, -most) if math.isinf(low) else low, min(high, most) if math.isinf(high) else high
    )
    return Check(
        limit=Limit(name, "≤", float(at_most)),
        figure=found.growth(duration_s),
        interval=interval,
        verdict=_verdict(interval, at_most),
        reason="" if interval.low > at_most or interval.high <= at_most else "a longer run tells more",
    )


def _verdict(interval: Interval, at_most: float) -> Verdict:
    if interval.low > at_most:
        return "missed"
    return "met" if interval.high <= at_most else "inconclusive"
