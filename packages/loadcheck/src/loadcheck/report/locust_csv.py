"""CSV files under Locust's names, with Locust's columns, from the raw samples that were judged.

What reads Locust's files reads these. The figures are exact where Locust rounds to whole milliseconds, and
times are those of successes alone, where Locust counts failures in.
"""

import csv
import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from loadcheck.model.samples import Floats, Samples
from loadcheck.report.finished import Finished

SHARES: Final = (0.50, 0.66, 0.75, 0.80, 0.90, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0)
PERCENTILES: Final = ("50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%")
TIMES: Final = (
    "Median Response Time",
    "Average Response Time",
    "Min Response Time",
    "Max Response Time",
    "Average Content Size",
)
STATS: Final = (
    "Type",
    "Name",
    "Request Count",
    "Failure Count",
    *TIMES,
    "Requests/s",
    "Failures/s",
    *PERCENTILES,
)
HISTORY: Final = (
    "Timestamp",
    "User Count",
    "Type",
    "Name",
    "Requests/s",
    "Failures/s",
    *PERCENTILES,
    "Total Request Count",
    "Total Failure Count",
    *(f"Total {name}" for name in TIMES),
)
FAILURES: Final = ("Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen")
AGGREGATED: Final = "Aggregated"
RATE_OVER_S: Final = 10
"""Locust's current rate is that of the last ten seconds."""
MOST_LINES: Final = 300
"""Of the history; Locust writes one a second. Its percentiles are those of Locust's full history."""


def write_locust_csv(folder: Path, run: Finished) -> None:
    """Write `<scenario>_stats.csv`, `_stats_history.csv` and `_failures.csv`."""
    judged, base = run.judged, folder / run.result.scenario.replace("/", "-")
    _write(f"{base}_stats.csv", STATS, _stats(run, judged))
    _write(f"{base}_stats_history.csv", HISTORY, _history(run, judged))
    _write(f"{base}_failures.csv", FAILURES, _failures(run, judged.failed()))


def _write(path: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(rows)


def _stats(run: Finished, judged: Samples) -> Iterator[list[Any]]:
    names = sorted(judged.count_by(lambda label: (label.endpoint, label.method)))
    for endpoint, method in names:
        one = judged.where(lambda label, name=(endpoint, method): (label.endpoint, label.method) == name)  # type: ignore[misc]  # bound early
        yield [method, endpoint, *_line(run, one)]
    yield ["", AGGREGATED, *_line(run, judged)]


def _line(run: Finished, samples: Samples) -> list[Any]:
    good = samples.succeeded()
    requests, failures = len(samples), len(samples) - len(good)
    duration_s = _duration_s(run)
    rates = [count / duration_s if duration_s else 0.0 for count in (requests, failures)]
    return [requests, failures, *_times(good, len(good)), *rates, *_percentiles(good)]


def _duration_s(run: Finished) -> float:
    return run.result.generator.judged.duration_s if run.result.generator else run.end_s


def _times(good: Samples, count: int) -> list[Any]:
    """Return median, mean, least and most of the first successes' latency, and their mean size."""
    if not count:
        return [0, 0, 0, 0, 0]
    times = good.latency_ms[:count]
    found = (np.median(times), times.mean(), times.min(), times.max(), good.size[:count].mean())
    return [round(float(value), 4) for value in found]


def _percentiles(good: Samples) -> list[Any]:
    times = good.latency_ms
    if not len(times):
        return ["N/A"] * len(SHARES)
    return [round(float(value), 4) for value in np.quantile(times, SHARES)]


def _history(run: Finished, judged: Samples) -> Iterator[list[Any]]:
    """Yield the last ten seconds and the totals so far, moment by moment; samples come as they ended."""
    start_s, step_s = run.judged_from_s, max(1.0, np.ceil(_duration_s(run) / MOST_LINES))
    good, bad = judged.succeeded(), judged.failed()
    for at_s in np.arange(start_s + step_s, start_s + _duration_s(run) + step_s, step_s):
        since_s = max(at_s - RATE_OVER_S, start_s)
        recent = good.kept(np.arange(*np.searchsorted(good.done_s, (since_s, at_s), side="right")))
        ended, failed, done = (
            int(np.searchsorted(part.done_s, at_s, side="right")) for part in (judged, bad, good)
        )
        rates = [_between(part.done_s, since_s, at_s) / (at_s - since_s) for part in (judged, bad)]
        lead = [int(_epoch(run, at_s)), _users(run, at_s), "", AGGREGATED, *(f"{rate:.2f}" for rate in rates)]
        yield [*lead, *_percentiles(recent), ended, failed, *_times(good, done)]


def _between(done_s: Floats, since_s: float, until_s: float) -> int:
    first, last = np.searchsorted(done_s, (since_s, until_s), side="right")
    return int(last - first)


def _users(run: Finished, at_s: float) -> int:
    known = run.result.generator.users if run.result.generator else ()
    return next((users for moment_s, users in reversed(known) if moment_s <= at_s), 0)


def _failures(run: Finished, failed: Samples) -> Iterator[list[Any]]:
    kinds = sorted(failed.count_by(lambda label: (label.endpoint, label.method, label.failure)))
    for endpoint, method, reason in kinds:
        same = failed.where(
            lambda label, kind=(endpoint, method, reason): (  # type: ignore[misc]  # bound early
                (label.endpoint, label.method, label.failure) == kind
            )
        )
        seen = (_utc(_epoch(run, float(moment))) for moment in (same.done_s.min(), same.done_s.max()))
        yield [method, endpoint, reason, len(same), *seen]


def _epoch(run: Finished, at_s: float) -> float:
    return (run.result.generator.started_at if run.result.generator else 0.0) + at_s


def _utc(moment: float) -> str:
    return dt.datetime.fromtimestamp(int(moment), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
