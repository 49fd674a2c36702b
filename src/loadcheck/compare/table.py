"""The console table of comparisons: figure by figure, and below it each verdict in a sentence."""

from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loadcheck.compare.outcome import Conclusion, Judged, Outcome
from loadcheck.compare.words import amount, endpoints, headline, interval, percent, remarks

COLOURS: Final[dict[Conclusion, str]] = {
    "slower": "red",
    "failing": "red",
    "inconclusive": "magenta",
    "void": "yellow",
    "not slower": "green",
    "faster": "green",
}
NUMBERS: Final = ("base", "head", "change", "95 % interval")


def render_table(outcomes: Iterable[Outcome], width: int, *, has_colour: bool) -> str:
    """Draw all comparisons as one table, at most `width` characters wide, and below it what they come to."""
    outcomes = tuple(outcomes)
    output = StringIO()
    console = Console(
        file=output, width=width, force_terminal=has_colour, no_color=not has_colour, highlight=False
    )
    console.print(_table(outcomes))
    for outcome in outcomes:
        for line in (headline(outcome), *remarks(outcome)):
            console.print(f"{outcome.scenario}: {line}", markup=False, soft_wrap=True)
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines())


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("scenario / endpoint", overflow="fold")
    table.add_column("metric")
    for name in NUMBERS:
        table.add_column(name, justify="right")
    table.add_column("verdict", no_wrap=True)
    for outcome in outcomes:
        _add(table, outcome)
    return table


def _add(table: Table, outcome: Outcome) -> None:
    table.add_row(f"[bold]{escape(outcome.scenario)}[/]", *[""] * 5, _coloured(outcome.verdict))
    for endpoint in endpoints(outcome):
        name = f"  {endpoint.name}"
        for figure in endpoint.figures:
            verdict = "void" if endpoint.verdict == "void" else figure.verdict
            table.add_row(escape(name), *_told(figure), _coloured(verdict))
            name = ""


def _told(figure: Judged) -> tuple[str, ...]:
    sides = (amount(figure.base), amount(figure.head))
    return escape(figure.metric), *sides, percent(figure.change, "+"), interval(figure, "+")


def _coloured(verdict: Conclusion) -> str:
    return f"[{COLOURS[verdict]}]{verdict}[/]"
