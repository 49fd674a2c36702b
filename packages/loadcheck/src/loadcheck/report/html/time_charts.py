"""What the users saw, over the time of the run: response times, rates, failures, cache states."""

from collections.abc import Callable, Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from loadcheck.judge.intervals import percentile
from loadcheck.model.facts import GeneratorFacts
from loadcheck.model.samples import Floats, Label, Samples
from loadcheck.model.workload import Arrivals, Workload
from loadcheck.report.finished import Finished
from loadcheck.report.html.chart import MOST_SERIES, OTHERS, Chart, Numbers, Points, Series, numbers

SLICES_S = (0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600)
MOST_SLICES = 400
FEWEST_SLICES = 20
CACHE_STATES = {"hit": 2, "stale": 1, "miss": 4}


class Slices(Struct, frozen=True):
    """A run cut into slices of equal time, from 0 on."""

    width_s: float
    count: int

    @property
    def middle_s(self) -> Numbers:
        """The middle of each, in seconds."""
        return numbers((np.arange(self.count) + 0.5) * self.width_s, 8)

    @property
    def name(self) -> str:
        """The width in words."""
        return "second" if self.width_s == 1 else f"{self.width_s:g} s"

    def of(self, at_s: Floats) -> NDArray[np.intp]:
        """Say in which slice each moment lies."""
        return np.clip(at_s / self.width_s, 0, self.count - 1).astype(np.intp)

    def rate(self, at_s: Floats) -> Floats:
        """Count the moments of each slice, per second."""
        return np.bincount(self.of(at_s), minlength=self.count) / self.width_s


def slices(end_s: float) -> Slices:
    """Cut a run: into seconds where that gives neither too few slices nor too many."""
    fitting = [width for width in SLICES_S if end_s / width <= MOST_SLICES] or [end_s / MOST_SLICES]
    coarse = [width for width in fitting if end_s / width >= FEWEST_SLICES and width <= 1]
    width = max(coarse, default=fitting[0])
    return Slices(width, max(int(np.ceil(end_s / width)), 1))


def time_charts(run: Finished) -> Iterator[Chart]:
    """Draw everything that samples tell over time."""
    if not len(run.samples):
        return
    cut = slices(run.end_s)
    yield response_times(run.samples, cut)
    yield rates(run, cut)
    if len(run.samples.failed()):
        yield failures(run.samples.failed(), cut)
    states = run.samples.succeeded().where(lambda label: bool(label.cache))
    if len(states):
        yield cache_states(states, cut)


def response_times(samples: Samples, cut: Slices) -> Chart:
    """Draw single requests, with the median and P95 of each slice, at the time when each was due."""
    good, bad = samples.succeeded(), samples.failed()
    return Chart(
        title="Response time",
        note=f"Of each {cut.name}; a dot is a success, a cross a failure. "
        "Of very many, every slow one is drawn and the others thinned.",
        unit="ms",
        is_log=True,
        x=cut.middle_s,
        series=(
            Series(name="P50", values=_of_slices(good, cut, 0.50), colour=0),
            Series(name="P95", values=_of_slices(good, cut, 0.95), colour=1),
        ),
        points=(_points(good, "success"), _points(bad, "failure")),
    )


def rates(run: Finished, cut: Slices) -> Chart:
    """Draw requests per second beside who caused them: users, or arrivals whether served or not."""
    done = Series(name="answered", values=numbers(cut.rate(run.samples.done_s)), colour=0)
    generator, workload = run.result.generator, run.result.workload
    if workload and workload.is_open:
        return _open_rates(run, cut, workload, done)
    users = _users(generator, cut)
    return Chart(
        title="Rate and users" if users else "Rate",
        unit="/s",
        right_unit="users" if users else "",
        x=cut.middle_s,
        series=(done, *users),
    )


def failures(bad: Samples, cut: Slices) -> Chart:
    """Draw failures per second by their reason, the commonest apart."""
    counts = bad.count_by(lambda label: label.failure)
    common = sorted(counts, key=lambda reason: -counts[reason])[: MOST_SERIES - 1]
    layers = [_layer(bad, cut, reason, _has_reason(reason), number) for number, reason in enumerate(common)]
    if len(counts) > len(common):
        layers.append(_layer(bad, cut, OTHERS, lambda label: label.failure not in common, MOST_SERIES - 1))
    return Chart(title="Failures by reason", unit="/s", x=cut.middle_s, series=tuple(layers))


def cache_states(good: Samples, cut: Slices) -> Chart:
    """Draw what the cache answered with, per second."""
    layers = (_layer(good, cut, state, _has_state(state), colour) for state, colour in CACHE_STATES.items())
    return Chart(title="Answers by cache state", unit="/s", x=cut.middle_s, series=tuple(layers))


def _open_rates(run: Finished, cut: Slices, workload: Workload, done: Series) -> Chart:
    arrivals = run.result.generator.arrivals if run.result.generator else None
    drops = f" {arrivals.dropped} of {arrivals.due} arrivals due were dropped." if arrivals else ""
    dropped_s = np.array(arrivals.dropped_s if arrivals else (), np.float64)
    dropped = Series(name="dropped", values=numbers(cut.rate(dropped_s)), colour=3)
    sent = Series(
        name="sent, when due", values=numbers(cut.rate(run.samples.intended_s)), style="dashed", colour=2
    )
    return Chart(
        title="Arrivals and answers",
        note=f"In flight: sent and not yet answered.{drops}",
        unit="/s",
        right_unit="in flight",
        x=cut.middle_s,
        series=(
            _due(workload, cut),
            sent,
            done,
            *((dropped,) if len(dropped_s) else ()),
            _in_flight(run.samples, cut),
        ),
    )


def _due(workload: Workload, cut: Slices) -> Series:
    """Return the arrival rate asked for, stage by stage; the warm-up belongs to the first."""
    at_s = (np.arange(cut.count) + 0.5) * cut.width_s
    rate, stage_end_s = np.full(cut.count, np.nan), workload.warm_up_s
    stage_start_s = 0.0
    for stage in workload.stages:
        stage_end_s += stage.hold_s
        if isinstance(stage, Arrivals):
            rate[(at_s >= stage_start_s) & (at_s < stage_end_s)] = stage.rate_per_s
        stage_start_s = stage_end_s
    return Series(name="due", values=numbers(rate), style="faint", colour=5)


def _in_flight(samples: Samples, cut: Slices) -> Series:
    at_s = (np.arange(cut.count) + 0.5) * cut.width_s
    sent = np.searchsorted(np.sort(samples.start_s), at_s, side="right")
    done = np.searchsorted(np.sort(samples.done_s), at_s, side="right")
    return Series(name="in flight", values=numbers(sent - done), colour=1, is_right=True)


def _users(generator: GeneratorFacts | None, cut: Slices) -> tuple[Series, ...]:
    if not generator or not generator.users:
        return ()
    at_s, counts = (np.array(column, np.float64) for column in zip(*generator.users, strict=True))
    middle_s = (np.arange(cut.count) + 0.5) * cut.width_s
    latest = np.maximum(np.searchsorted(at_s, middle_s, side="right") - 1, 0)
    return (Series(name="users", values=numbers(counts[latest]), colour=1, style="dashed", is_right=True),)


def _layer(samples: Samples, cut: Slices, name: str, keep: Callable[[Label], bool], colour: int) -> Series:
    rate = cut.rate(samples.where(keep).done_s)
    return Series(name=name, values=numbers(rate), style="stack", colour=colour)


def _has_reason(reason: str) -> Callable[[Label], bool]:
    return lambda label: label.failure == reason


def _has_state(state: str) -> Callable[[Label], bool]:
    return lambda label: label.cache == state


def _of_slices(good: Samples, cut: Slices, share: float) -> Numbers:
    which = cut.of(good.intended_s)
    order = np.argsort(which, kind="stable")
    bounds = np.searchsorted(which[order], np.arange(1, cut.count))
    parts = np.split(good.latency_ms[order], bounds)
    return numbers(np.array([percentile(part, share) for part in parts], np.float64))


def _points(samples: Samples, name: str) -> Points:
    latency_ms = samples.latency_ms
    chosen = thinned(samples.intended_s, latency_ms)
    return Points(
        name=name,
        mark="cross" if name == "failure" else "dot",
        x=numbers(samples.intended_s[chosen], 6),
        y=numbers(latency_ms[chosen], 3),
    )


KEPT_SLOWEST = 500
COLUMNS, ROWS = 180, 48
"""The grid in which only one request a cell is drawn: finer than the dots are wide."""


def thinned(at_s: Floats, latency_ms: Floats) -> NDArray[np.intp]:
    """Return the indices to draw: each of the slowest, and one for every place where a dot would be."""
    if not len(at_s):
        return np.empty(0, np.intp)
    is_kept = np.zeros(len(at_s), np.bool_)
    is_kept[np.argsort(latency_ms)[-KEPT_SLOWEST:]] = True
    cells = _place(at_s, COLUMNS) * ROWS + _place(np.log(np.maximum(latency_ms, 1e-3)), ROWS)
    is_kept[np.unique(cells, return_index=True)[1]] = True
    return np.flatnonzero(is_kept)


def _place(values: Floats, count: int) -> NDArray[np.int64]:
    width = float(np.ptp(values)) / count or 1.0
    places: NDArray[np.int64] = np.minimum((values - values.min()) / width, count - 1).astype(np.int64)
    return places
