"""The long view in plain words."""

from collections.abc import Iterable
from typing import Final

from loadcheck.report.history.change_points import SERVER_METRICS, Change, Course, FigureSeries
from loadcheck.report.history.levels import FEWEST_VALUES
from loadcheck.report.history.measurements import History
from loadcheck.report.html.page import ALL_REQUESTS

FIGURES: Final = {
    "p50_ms": "P50",
    "p95_ms": "P95",
    "p99_ms": "P99",
    "rate_per_s": "Rate",
    "failure_ratio": "Failures",
    "cpu_per_request_ms": "CPU per request",
    "memory_mb": "Peak memory",
}
COMMIT_DIGITS: Final = 10


def headline(history: History, found: Iterable[Course]) -> str:
    """Say in one sentence what became of the figures."""
    found = tuple(found)
    commits = _counted(len({each.commit for each in history}), "commit")
    changes = [change for course in found for change in course.changes]
    if changes:
        worse = sum(change.is_worse for change in changes)
        parts = [(worse, "for the worse"), (len(changes) - worse, "for the better")]
        counts = ", ".join(f"{count} {way}" for count, way in parts if count)
        return f"{commits}, {_counted(len(changes), 'change')}: {counts}."
    if all(course.has_too_few for course in found):
        return f"{commits}: too early to tell, it takes {FEWEST_VALUES} records of a figure."
    return f"{commits}, no change."


def subject(series: FigureSeries) -> str:
    """Say what a figure is of."""
    if series.metric in SERVER_METRICS:
        return "the server"
    return series.endpoint or ALL_REQUESTS


def amount(change: Change) -> str:
    """Write by how much a figure moved, with its sign."""
    if change.percent is None:
        return "from 0"
    return f"{change.percent:+.3g} %".replace("-", "\N{MINUS SIGN}")


def direction(change: Change) -> str:
    """Say which way it moved: for the worse or for the better."""
    return "worse" if change.is_worse else "better"


def short_commit(commit: str) -> str:
    """Shorten a commit's name, as git does."""
    return commit[:COMMIT_DIGITS]


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
