"""`report.html`: all results of a session on one page that needs nothing but itself."""

import math
from collections.abc import Iterator
from typing import Final

from markupsafe import Markup
from msgspec import Struct

from loadcheck.model.judgement import Check, Figures
from loadcheck.model.objectives import Verdict, with_unit
from loadcheck.model.result import Result
from loadcheck.report.finished import Finished
from loadcheck.report.html.chart import Chart
from loadcheck.report.html.distribution import distribution
from loadcheck.report.html.server_charts import server_charts
from loadcheck.report.html.template import render, script_json
from loadcheck.report.html.time_charts import time_charts
from loadcheck.report.results_file import Record
from loadcheck.report.words import asked, overall, shortly, title, verdict_on_check, worth_a_line

SIGNS: Final = {"met": "✓", "missed": "✕", "inconclusive": "?", "void": "∅"}
ALL_REQUESTS: Final = "all requests"


class Strip(Struct, frozen=True):
    """A figure, its interval and its limit as places on a line, in percent of its length."""

    low: float
    high: float
    figure: float
    limit: float


class Line(Struct, frozen=True, kw_only=True):
    """One line of the table of verdicts."""

    endpoint: str
    promise: str
    figure: str
    interval: str
    verdict: Verdict
    reason: str = ""
    strip: Strip | None


class Section(Struct, frozen=True, kw_only=True):
    """What the page tells of one scenario; `charts` are drawn by the page's script."""

    number: int
    result: Result
    title: str
    asked: str
    shortly: str
    missing: str
    lines: tuple[Line, ...]
    figures: tuple[tuple[str, Figures], ...]
    charts: tuple[Chart, ...]
    judged_from_s: float
    end_s: float

    @property
    def verdict(self) -> Verdict:
        """The scenario's verdict."""
        return self.result.verdict

    @property
    def trial_figures(self) -> tuple[str, ...]:
        """The figures that trials of several loads tell, in the order in which they first do."""
        trials = self.result.capacity.trials if self.result.capacity else ()
        return tuple(dict.fromkeys(name for trial in trials for name in trial.figures))

    @property
    def data(self) -> Markup:
        """What the script needs, as JSON that no text in it can break out of."""
        return script_json({"charts": self.charts, "judged_from_s": self.judged_from_s, "end_s": self.end_s})


def section(number: int, run: Finished) -> Section:
    """Gather what the page tells of one scenario, far less than its samples."""
    shape = distribution(run)
    over_time = (*time_charts(run), *server_charts(run.result))
    first, others = over_time[:1], over_time[1:]
    return Section(
        number=number,
        result=run.result,
        title=title(run.result),
        asked=asked(run.result),
        shortly=shortly(run.result),
        missing=run.missing,
        lines=tuple(_lines(run.result)),
        figures=tuple(
            (found.objective.endpoint or ALL_REQUESTS, found.figures) for found in run.result.judgements
        ),
        charts=(*first, *((shape,) if shape else ()), *others),
        judged_from_s=run.judged_from_s,
        end_s=run.end_s,
    )


def render_page(record: Record, sections: tuple[Section, ...]) -> str:
    """Write the page."""
    return render(
        "page.html.j2",
        styles=("uplot/uPlot.min.css", "page.css"),
        scripts=("uplot/uPlot.iife.min.js", "charts.js", "page.js"),
        record=record,
        sections=sections,
        overall=overall(record),
        signs=SIGNS,
        with_unit=with_unit,
    )


def strip(check: Check) -> Strip | None:
    """Place a figure on a line from 0; None where there is nothing to see."""
    if check.figure is None or not check.interval or check.limit.limit <= 0:
        return None
    bounds = (check.interval.low, check.interval.high)
    furthest = max(value for value in (check.figure, check.limit.limit, *bounds) if math.isfinite(value))
    low, high, figure, limit = (
        round(100 * min(max(value / (1.1 * furthest), 0.0), 1.0), 1)
        for value in (*bounds, check.figure, check.limit.limit)
    )
    return Strip(low, high, figure, limit)


def _lines(result: Result) -> Iterator[Line]:
    for judgement in result.judgements:
        for check in worth_a_line(judgement.checks):
            endpoint = judgement.objective.endpoint or ALL_REQUESTS
            yield _line(endpoint, check, verdict_on_check(result, judgement, check))
    for check in result.claims:
        yield _line("the test's own figure", check, result.verdict_on(check))


def _line(endpoint: str, check: Check, verdict: Verdict) -> Line:
    metric, bounds = check.limit.metric, check.interval
    return Line(
        endpoint=endpoint,
        promise=str(check.limit),
        figure="nothing" if check.figure is None else with_unit(metric, check.figure),
        interval=f"{with_unit(metric, bounds.low)} to {with_unit(metric, bounds.high)}" if bounds else "",
        verdict=verdict,
        reason="" if verdict == "void" else check.reason,
        strip=strip(check),
    )
