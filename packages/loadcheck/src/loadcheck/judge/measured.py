"""What a set of samples amounts to: each metric's figure, and how far it may be from the truth."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from loadcheck.judge.intervals import (
    mean_interval,
    percentile,
    percentile_interval,
    ratio_interval,
    samples_needed,
)
from loadcheck.model.facts import Floor
from loadcheck.model.judgement import Figures, Interval
from loadcheck.model.objectives import LATENCY, RATIOS, SERVER_FIGURES
from loadcheck.model.resources import Usage
from loadcheck.model.samples import NO_ENDPOINT, Flags, Floats, Label, Samples
from loadcheck.run.counters import growth
from loadcheck.run.echo import SHARES
from loadcheck.run.generator import Run

SAMPLES_FOR_MEAN = 30
"""The usual rule of thumb for the mean to be about normally distributed (central limit theorem)."""


class Estimate(Struct, frozen=True, kw_only=True):
    """A figure with its 95 % confidence interval; no interval where the figure itself is what is promised.

    `figure` is None when nothing was there to measure; `needed` says how many samples it takes, `had` how
    many there were.
    """

    figure: float | None
    interval: Interval | None = None
    had: int = 0
    needed: int = 0


class Measured(Struct, frozen=True, kw_only=True):
    """All that a run offers to be judged: its samples, the stretch they were taken in, what is no request's.

    `start_s` and `end_s` bound the stretch in seconds of the run (both 0: taken one at a time, without a
    rate); `dropped` are arrivals that were never sent; `floor` is what the machine itself took;
    `usage` is the server's, `counters` are the test's own.
    """

    samples: Samples
    start_s: float = 0.0
    end_s: float = 0.0
    dropped: int = 0
    floor: Floor | None = None
    usage: Usage | None = None
    counters: Mapping[str, float] = field(default_factory=dict)

    def of(self, endpoint: str | None) -> "Measured":
        """Keep what concerns an endpoint; failures that belong to none concern every one."""
        if endpoint is None:
            return self
        kept = self.samples.where(lambda label: label.endpoint in (endpoint, NO_ENDPOINT))
        return replace(self, samples=kept, dropped=0)

    def summary(self) -> Figures:
        """Return the figures that every table shows."""
        good = self.samples.succeeded()
        latency_ms, first_byte_ms = good.latency_ms, self._known("first_byte_p95_ms")[0]
        requests, failures = len(self.samples), len(self.samples) - len(good)
        return Figures(
            requests=requests,
            failures=failures,
            dropped=self.dropped,
            failure_ratio=failures / requests if requests else 0.0,
            rate_per_s=_rate(self),
            mean_ms=float(latency_ms.mean()) if len(good) else None,
            p50_ms=percentile(latency_ms, 0.50),
            p90_ms=percentile(latency_ms, 0.90),
            p95_ms=percentile(latency_ms, 0.95),
            p95_interval=percentile_interval(latency_ms, good.done_s, 0.95) if len(good) else None,
            p99_ms=percentile(latency_ms, 0.99),
            max_ms=float(latency_ms.max()) if len(good) else None,
            service_p95_ms=percentile(good.response_ms, 0.95),
            first_byte_p95_ms=percentile(first_byte_ms, 0.95),
            hit_ratio=_share(_flags("hit_ratio", good)),
            stale_ratio=_share(_flags("stale_ratio", good)),
            mean_bytes=float(good.size.mean()) if len(good) else 0.0,
        )

    def estimate(self, metric: str) -> Estimate:
        """Measure one metric; raises LookupError when the run has no such figure, naming what it has."""
        if LATENCY.fullmatch(metric):
            return self._latency(metric, percentile_share(metric))
        if metric in SERVER_FIGURES:
            return Estimate(figure=_of_server(self.usage, metric), had=1)
        if metric in RATIOS:
            return self._ratio(metric)
        if metric == "rate_per_s":
            return self._rate()
        if metric not in self.counters:
            raise LookupError(
                f"nothing measured {metric!r}; counters of this run: {', '.join(self.counters) or 'none'}"
            )
        return Estimate(figure=self.counters[metric], had=1)

    def machine_share_ms(self, metric: str) -> float:
        """Return how much of a figure the machine and the generator took by themselves, 0 where unknown.

        Of a response time it is the echo's figure (of a percentile between two that were measured, the higher
        one's), of the lateness of the server's event loop that of the timer.
        """
        if self.floor is None:
            return 0.0
        if metric == "lag_max_ms":
            return self.floor.timer.max_ms
        if not LATENCY.fullmatch(metric):
            return 0.0
        share = percentile_share(metric)
        if share is None:
            return self.floor.echo.mean_ms if "mean" in metric else self.floor.echo.max_ms
        measured = (name for name, at in SHARES.items() if at >= share)
        return float(getattr(self.floor.echo, next(measured, "max_ms")))

    def _known(self, metric: str) -> tuple[Floats, Floats]:
        """Return the successes' latencies of a kind, and when they ended."""
        good = self.samples.succeeded()
        values = _latencies(good, metric)
        is_known = ~np.isnan(values)
        return values[is_known], good.done_s[is_known]

    def _latency(self, metric: str, share: float | None) -> Estimate:
        values, at_s = self._known(metric)
        had = len(values)
        if share is not None:
            return Estimate(
                figure=percentile(values, share),
                interval=percentile_interval(values, at_s, share),
                had=had,
                needed=samples_needed(share),
            )
        if "mean" in metric:
            figure = float(values.mean()) if had else None
            return Estimate(
                figure=figure, interval=mean_interval(values, at_s), had=had, needed=SAMPLES_FOR_MEAN
            )
        return Estimate(figure=float(values.max()) if had else None, had=had, needed=1)

    def _rate(self) -> Estimate:
        """Return the rate without an interval: how often users asked is not the server's uncertainty."""
        return Estimate(figure=_rate(self), had=len(self.samples), needed=1)

    def _ratio(self, metric: str) -> Estimate:
        if metric == "dropped_ratio":
            asked = len(self.samples) + self.dropped
            return Estimate(figure=self.dropped / asked if asked else 0.0, had=asked)
        samples = self.samples if metric == "failure_ratio" else self.samples.succeeded()
        flags = _flags(metric, samples)
        had = len(samples)
        return Estimate(
            figure=_share(flags) if had else None,
            interval=ratio_interval(flags, samples.done_s) if had else None,
            had=had,
            needed=1,
        )


def measured_in(run: Run) -> Measured:
    """Return all that can be judged of a run."""
    judged = run.facts.judged
    return Measured(
        samples=run.judged,
        start_s=judged.start_s,
        end_s=judged.end_s,
        dropped=run.facts.arrivals.dropped if run.facts.arrivals else 0,
        floor=run.facts.floor,
        usage=run.usage.get(run.under_test),
        counters={name: growth(readings, judged.start_s) for name, readings in run.counters.items()},
    )


def percentile_share(metric: str) -> float | None:
    """Return 0.999 for `p99_9_ms`; None when the metric is no percentile."""
    found = LATENCY.fullmatch(metric)
    percent = found["percent"] if found else None
    return float(percent.replace("_", ".")) / 100 if percent else None


def _latencies(good: Samples, metric: str) -> Floats:
    if metric.startswith("service_"):
        return good.response_ms
    return good.first_byte_ms if metric.startswith("first_byte_") else good.latency_ms


def _of_server(usage: Usage | None, metric: str) -> float | None:
    figures: dict[str, Any] = {}
    if usage is not None:
        figures = {
            "cpu_cores": usage.cores,
            "memory_mb": usage.peak_memory_bytes / 1e6,
            "threads": usage.peak_threads,
            "open_files": usage.peak_open_files,
            "lag_max_ms": usage.lag_max_ms,
        }
    value = figures.get(metric)
    return None if value is None else float(value)


def _rate(measured: Measured) -> float:
    """Return the rate; requests that ended after the judged stretch count in everything else."""
    duration_s = measured.end_s - measured.start_s
    ended = int(np.count_nonzero(measured.samples.done_s <= measured.end_s))
    return ended / duration_s if duration_s > 0 else 0.0


def _flags(metric: str, samples: Samples) -> Flags:
    """Say of each sample whether it counts; a stale answer came from the cache too."""
    tests: dict[str, Callable[[Label], bool]] = {
        "failure_ratio": lambda label: bool(label.failure),
        "hit_ratio": lambda label: label.cache in ("hit", "stale"),
        "stale_ratio": lambda label: label.cache == "stale",
    }
    return samples.flags(tests[metric])


def _share(flags: Flags) -> float:
    return float(flags.mean()) if len(flags) else 0.0
