"""At which commits did a figure move, and stay there? Pure functions of the history of load tests."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec import Struct

from loadcheck.report.history.levels import FEWEST_VALUES, Level, levels
from loadcheck.report.history.measurements import EndpointFigures, History, Measurement, ScenarioFigures

ENDPOINT_METRICS: Final = ("p50_ms", "p95_ms", "p99_ms", "rate_per_s", "failure_ratio")
SERVER_METRICS: Final = ("cpu_per_request_ms", "memory_mb")
MORE_IS_BETTER: Final = frozenset({"rate_per_s"})


class FigureSeries(Struct, frozen=True, kw_only=True):
    """One figure over the commits, in one profile and on one kind of machine.

    `endpoint` is None for all requests, and for the server's figures. `numbers` are the places of the values
    in the history: commits that have no such figure are left out.
    """

    scenario: str
    endpoint: str | None
    metric: str
    profile: str
    machine: str
    numbers: tuple[int, ...]
    values: tuple[float, ...]


class Change(Struct, frozen=True, kw_only=True):
    """A move to another level: `commit_before` is the last at the old one, `commit` the first at the new.

    `number` is the place of `commit` in the history, `p_value` that of `Level`.
    """

    series: FigureSeries
    number: int
    commit: str
    commit_before: str
    before: float
    after: float
    p_value: float

    @property
    def percent(self) -> float | None:
        """By how much it moved, with its sign; None from zero."""
        return 100 * (self.after / self.before - 1) if self.before else None

    @property
    def is_worse(self) -> bool:
        """Is it a move for the worse? Less is better of everything but a rate."""
        return (self.after > self.before) != (self.series.metric in MORE_IS_BETTER)


class Stay(Struct, frozen=True, kw_only=True):
    """From one place in the history to another a figure stayed about its mean."""

    first: int
    last: int
    mean: float


class Course(Struct, frozen=True, kw_only=True):
    """What became of a series: where it stayed, and the changes between."""

    series: FigureSeries
    stays: tuple[Stay, ...]
    changes: tuple[Change, ...]

    @property
    def has_too_few(self) -> bool:
        """Are there too few records to tell of any change?"""
        return len(self.series.values) < FEWEST_VALUES


def courses(history: History) -> tuple[Course, ...]:
    """Look for changes in every series of a history."""
    return tuple(_course(history, series) for series in series_of(history))


def series_of(history: History) -> tuple[FigureSeries, ...]:
    """Return every figure over the commits; profiles and kinds of machines are never mixed."""
    found: dict[tuple[str, str | None, str, str, str], list[tuple[int, float]]] = {}
    for number, each in enumerate(history):
        for scenario, endpoint, metric, value in _figures(each):
            key = (scenario, endpoint, metric, each.profile, each.machine.name)
            found.setdefault(key, []).append((number, value))
    return tuple(
        FigureSeries(
            scenario=scenario,
            endpoint=endpoint,
            metric=metric,
            profile=profile,
            machine=machine,
            numbers=tuple(number for number, _ in points),
            values=tuple(value for _, value in points),
        )
        for (scenario, endpoint, metric, profile, machine), points in found.items()
    )


def _figures(each: Measurement) -> Iterator[tuple[str, str | None, str, float]]:
    for scenario in each.scenarios:
        for endpoint in scenario.endpoints:
            for metric, value in _known(endpoint, ENDPOINT_METRICS):
                yield scenario.scenario, endpoint.endpoint, metric, value
        for metric, value in _known(scenario, SERVER_METRICS):
            yield scenario.scenario, None, metric, value


def _known(figures: EndpointFigures | ScenarioFigures, names: Iterable[str]) -> Iterator[tuple[str, float]]:
    values = ((name, getattr(figures, name)) for name in names)
    yield from ((name, value) for name, value in values if value is not None)


def _course(history: History, series: FigureSeries) -> Course:
    found = levels(np.array(series.values))
    return Course(
        series=series,
        stays=tuple(
            Stay(
                first=series.numbers[level.places[0]],
                last=series.numbers[level.places[-1]],
                mean=level.mean,
            )
            for level in found
        ),
        changes=tuple(_change(history, series, *both) for both in pairwise(found)),
    )


def _change(history: History, series: FigureSeries, old: Level, new: Level) -> Change:
    number = series.numbers[new.places[0]]
    return Change(
        series=series,
        number=number,
        commit=history[number].commit,
        commit_before=history[series.numbers[old.places[-1]]].commit,
        before=old.mean,
        after=new.mean,
        p_value=new.p_value,
    )
