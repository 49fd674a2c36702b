"""`trend.html`: the long view of load tests, on one page that needs nothing but itself."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from markupsafe import Markup
from msgspec import Struct

from loadcheck.model.objectives import with_unit
from loadcheck.report.history.change_points import Change, Course, courses
from loadcheck.report.history.charts import FigureChart, charts
from loadcheck.report.history.levels import FEWEST_IN_A_ROW, FEWEST_VALUES, MIN_MAGNITUDE
from loadcheck.report.history.measurements import History, Measurement, ScenarioFigures
from loadcheck.report.history.words import FIGURES, amount, direction, headline, short_commit, subject
from loadcheck.report.html.page import SIGNS
from loadcheck.report.html.template import render, script_json


class Moved(Struct, frozen=True, kw_only=True):
    """A commit at which figures moved."""

    at: Measurement
    changes: tuple[Change, ...]


class ChangeCard(Struct, frozen=True, kw_only=True):
    """What the page tells of one scenario; `nights` are its records, the newest first."""

    number: int
    profile: str
    scenario: str
    name: str
    courses: tuple[Course, ...]
    charts: tuple[FigureChart, ...]
    nights: tuple[tuple[int, Measurement, ScenarioFigures], ...]

    @property
    def has_moved(self) -> bool:
        """Did any of its figures move?"""
        return any(course.changes for course in self.courses)

    @property
    def shortly(self) -> str:
        """How often it was played, and how often in vain."""
        void = sum(bool(played.void_reasons) for _, _, played in self.nights)
        return f"{len(self.nights)} records" + (f", {void} void" if void else "")

    @property
    def data(self) -> Markup:
        """What the script needs, as JSON that no text in it can break out of."""
        return script_json(self.charts)


def render_history(history: History) -> str:
    """Write the page."""
    found = courses(history)
    cards = tuple(_cards(history, found))
    return render(
        "history_page.html.j2",
        folder=Path(__file__).parent,
        styles=("uplot/uPlot.min.css", "page.css", "history_page.css"),
        scripts=("uplot/uPlot.iife.min.js", "charts.js", "history_page.js"),
        history=history,
        headline=headline(history, found),
        moved=tuple(_moved(history, found)),
        cards=cards,
        links={(card.profile, card.scenario): card for card in cards},
        records=script_json([(short_commit(each.commit), each.at) for each in history]),
        has_machines=len({each.machine.name for each in history}) > 1,
        figures=FIGURES,
        signs={**SIGNS, "worse": SIGNS["missed"], "better": SIGNS["met"]},
        looks={"worse": "missed", "better": "met"},
        subject=subject,
        amount=amount,
        direction=direction,
        short=short_commit,
        with_unit=with_unit,
        fewest=FEWEST_VALUES,
        in_a_row=FEWEST_IN_A_ROW,
        least=MIN_MAGNITUDE,
    )


def _moved(history: History, found: Sequence[Course]) -> Iterator[Moved]:
    """Gather the changes by record, the newest first; the worse before the better."""
    changes = [change for course in found for change in course.changes]
    for number in sorted({change.number for change in changes}, reverse=True):
        here = [change for change in changes if change.number == number]
        here.sort(key=lambda change: not change.is_worse)
        yield Moved(at=history[number], changes=tuple(here))


def _cards(history: History, found: Sequence[Course]) -> Iterator[ChangeCard]:
    """Yield a card for each scenario and profile."""
    names = dict.fromkeys((each.profile, played.scenario) for each in history for played in each.scenarios)
    has_profiles = len({profile for profile, _ in names}) > 1
    for number, (profile, scenario) in enumerate(names, 1):
        of_it = tuple(
            course
            for course in found
            if (course.series.profile, course.series.scenario) == (profile, scenario)
        )
        yield ChangeCard(
            number=number,
            profile=profile,
            scenario=scenario,
            name=f"{scenario}, {profile}" if has_profiles else scenario,
            courses=of_it,
            charts=charts(history, of_it),
            nights=tuple(reversed([*_nights(history, profile, scenario)])),
        )


def _nights(
    history: History, profile: str, scenario: str
) -> Iterator[tuple[int, Measurement, ScenarioFigures]]:
    for number, each in enumerate(history):
        if each.profile == profile:
            yield from ((number, each, played) for played in each.scenarios if played.scenario == scenario)
