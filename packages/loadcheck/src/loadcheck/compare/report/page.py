"""`compare.html`: base and head in one picture, on a page that needs nothing but itself."""

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from markupsafe import Markup
from msgspec import Struct

from loadcheck.compare.comparison import BASE, HEAD, SIDES, Comparison, Conclusion, Judged, own_failures
from loadcheck.compare.report.how import how_it_was_run, rules_in_words
from loadcheck.compare.report.starts import started
from loadcheck.compare.report.words import Endpoint, amount, as_set, endpoints, headline, interval, percent
from loadcheck.report.html.chart import Chart, Series, Style, numbers
from loadcheck.report.html.template import render, script_json

FEWEST_MARGINS, MOST_MARGINS = 2, 5
"""To each side of the middle: where there is anything to decide is always to be seen."""
SMALLEST_REACH = 0.01


class ChangeStrip(Struct, frozen=True):
    """A change, its interval and the margin as places on a line, in percent of its length; 50 is no change.

    What lies beyond the line is at its end.
    """

    low: float
    high: float
    change: float
    margin: float


def reach(figures: Iterable[Judged], margin: float) -> float:
    """Return the change at the ends of the line, as a share: one for all figures, so that they compare."""
    bounds = [abs(bound) for each in figures for bound in (each.low, each.high) if math.isfinite(bound)]
    furthest = min(1.1 * max(bounds, default=0.0), MOST_MARGINS * margin)
    return max(furthest, FEWEST_MARGINS * margin, SMALLEST_REACH)


def strip(figure: Judged, margin: float, reach: float) -> ChangeStrip | None:
    """Place a figure on the line; None where its change is no number."""
    if math.isnan(figure.change):
        return None
    places = (figure.low, figure.high, figure.change, margin)
    return ChangeStrip(*(round(50 + 50 * min(max(each / reach, -1.0), 1.0), 1) for each in places))


HERE: Final = Path(__file__).parent
SIGNS: Final[dict[Conclusion, str]] = {
    "slower": "✕",
    "failing": "✕",
    "inconclusive": "?",
    "void": "∅",
    "not slower": "✓",
    "faster": "✓",
}
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
LINES: Final[tuple[tuple[str, Style, int], ...]] = ((BASE, "faint", 0), (HEAD, "line", 1))
"""Base lies as a broad line beneath head: both are seen where they are one."""


class EndpointCard(Struct, frozen=True, kw_only=True):
    """What the page tells of one endpoint."""

    endpoint: Endpoint
    chart: Chart | None
    is_open: bool

    @property
    def data(self) -> Markup:
        """What the script needs."""
        return script_json({"charts": [self.chart], "judged_from_s": 0, "end_s": 0})


def write_page(path: Path, outcome: Comparison) -> None:
    """Write the page of one comparison."""
    path.write_text(render_comparison_page(outcome), encoding="utf-8")


def render_comparison_page(outcome: Comparison) -> str:
    """Draw the page."""
    furthest = reach((*outcome.figures, *outcome.control), outcome.rules.margin)
    return render(
        "compare.html.j2",
        folder=HERE,
        styles=("uplot/uPlot.min.css", "page.css", "compare.css"),
        scripts=("uplot/uPlot.iife.min.js", "charts.js", "page.js"),
        outcome=outcome,
        headline=headline(outcome),
        cards=cards(outcome),
        own_failures=own_failures(outcome.failures, outcome.rules.alpha),
        failures=_failures(outcome),
        started=list(started(outcome)),
        how=list(how_it_was_run(outcome)),
        rules=list(rules_in_words(outcome.rules)),
        reach=as_set(furthest),
        margin=as_set(outcome.rules.margin),
        strip=lambda each: strip(each, margin=outcome.rules.margin_of(each.metric), reach=furthest),
        signs=SIGNS,
        amount=amount,
        percent=percent,
        interval=interval,
        unbroken=unbroken,
    )


def unbroken(text: str) -> str:
    """Keep numbers and their units on one line."""
    return re.sub(r"(?<=\d) (?=%|ms\b)", NO_BREAK, text)


def cards(outcome: Comparison) -> list[EndpointCard]:
    """Return a card for each endpoint, the worst first; those that are more than "not slower" are open."""
    found = endpoints(outcome)
    is_notable = [each.verdict not in {"not slower", "void"} for each in found]
    is_open = is_notable if any(is_notable) else [number == 0 for number in range(len(found))]
    return [
        EndpointCard(
            endpoint=each,
            chart=distributions(outcome, each.name),
            is_open=opened,
        )
        for each, opened in zip(found, is_open, strict=True)
    ]


def distributions(outcome: Comparison, endpoint: str) -> Chart | None:
    """Draw both sides' response times by percentile; None where nothing was kept of them."""
    curves = outcome.curves.get(endpoint)
    if curves is None:
        return None
    names = {BASE: f"base ({outcome.base_name})", HEAD: "head"}
    return Chart(
        title="Distribution of response times",
        unit="ms",
        is_log=True,
        axis="percentile",
        x=numbers(1 / (1 - np.array(curves.shares)), 6),
        series=tuple(
            Series(name=names[side], values=numbers(np.array(curves.sides[side])), style=style, colour=colour)
            for side, style, colour in LINES
            if side in curves.sides
        ),
    )


def _failures(outcome: Comparison) -> list[tuple[str, list[int]]]:
    """Count every reason side by side, the commonest first."""
    sides = [outcome.failures.get(side, {}) for side in SIDES]
    found = {
        reason: [side.get(reason, 0) for side in sides] for reason in {key for side in sides for key in side}
    }
    return sorted(found.items(), key=lambda each: (-max(each[1]), each[0]))
