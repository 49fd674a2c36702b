"""P95 and CPU over the commits, as data that the page's script draws."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from loadcheck.model.objectives import with_unit
from loadcheck.report.history.change_points import Course, FigureSeries, Stay
from loadcheck.report.history.measurements import History
from loadcheck.report.history.words import FIGURES, amount, direction, short_commit, subject
from loadcheck.report.html.chart import MOST_SERIES, Numbers

DRAWN: Final = ("p95_ms", "cpu_per_request_ms")


class Mark(Struct, frozen=True, kw_only=True):
    """A change: at which record of the history, and what is written there."""

    number: int
    text: str
    is_worse: bool


class MachineLine(Struct, frozen=True, kw_only=True):
    """One kind of machine's values, record by record, None where it has none; and where they stayed."""

    name: str
    values: Numbers
    stays: tuple[Stay, ...]
    colour: int


class FigureChart(Struct, frozen=True, kw_only=True):
    """A figure over the commits."""

    title: str
    metric: str
    summary: str
    lines: tuple[MachineLine, ...]
    marks: tuple[Mark, ...]

    def told_at(self, number: int) -> str:
        """Write its value at a record, which is of one machine; empty where it has none."""
        values = (line.values[number] for line in self.lines)
        return next((with_unit(self.metric, value) for value in values if value is not None), "")


def charts(history: History, found: Iterable[Course]) -> tuple[FigureChart, ...]:
    """Draw the P95 of each endpoint and the server's CPU; all machines in one chart, each a line."""
    machines = list(dict.fromkeys(each.machine.name for each in history))
    together: dict[tuple[str | None, str], list[Course]] = {}
    for course in found:
        if course.series.metric in DRAWN:
            together.setdefault((course.series.endpoint, course.series.metric), []).append(course)
    return tuple(_chart(history, machines, each) for each in together.values())


def _chart(history: History, machines: Sequence[str], found: Sequence[Course]) -> FigureChart:
    series = found[0].series
    title = f"{FIGURES[series.metric]} of {subject(series)}"
    changes = [change for course in found for change in course.changes]
    moves = [f"{amount(each)}, {direction(each)}, at {short_commit(each.commit)}" for each in changes]
    return FigureChart(
        title=title,
        metric=series.metric,
        summary=f"{title}: {_range(found)}; {'; '.join(moves) or 'no change'}",
        lines=tuple(
            MachineLine(
                name=course.series.machine if len(machines) > 1 else FIGURES[series.metric],
                values=_spread(course.series, len(history)),
                stays=() if course.has_too_few else course.stays,
                colour=machines.index(course.series.machine) % MOST_SERIES,
            )
            for course in found
        ),
        marks=tuple(
            Mark(number=change.number, text=amount(change), is_worse=change.is_worse) for change in changes
        ),
    )


def _spread(series: FigureSeries, length: int) -> Numbers:
    values: list[float | None] = [None] * length
    for number, value in zip(series.numbers, series.values, strict=True):
        values[number] = value
    return tuple(values)


def _range(found: Sequence[Course]) -> str:
    values = [value for course in found for value in course.series.values]
    metric = found[0].series.metric
    return f"from {with_unit(metric, min(values))} to {with_unit(metric, max(values))}"
