"""The console table of comparisons: figure by figure, and below it each verdict in a sentence."""

from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loadcheck.compare.comparison import Comparison, Conclusion, Judged
from loadcheck.compare.report.words import amount, endpoints, headline, interval, percent, remarks

COLOURS: Final[dict[Conclusion, str]] = {
    "slower": "red",
    "failing": "red",
    "inconclusive": "magenta",
    "void": "yellow",
    "not slower": "green",
    "faster": "green",
}
NUMBERS: Final = ("base", "head", "change", "95 % interval")


def render_comparisons(outcomes: Iterable[Comparison], width: int, *, has_colour: bool) -> str:
    """Draw all comparisons as one table, at most `width` characters wide, and below it what they come to."""
    outcomes = tuple(outcomes)
    return drawn(_table(outcomes), _sentences(outcomes), width, has_colour=has_colour)


def drawn(table: Table, sentences: Iterable[str], width: int, *, has_colour: bool) -> str:
    """Draw a table, at most `width` characters wide, and write sentences below it."""
    output = StringIO()
    console = Console(
        file=output, width=width, force_terminal=has_colour, no_color=not has_colour, highlight=False
    )
    console.print(table)
    for sentence in sentences:
        console.print(sentence, markup=False, soft_wrap=True)
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines())


def numbers_table(name: str, *others: str) -> Table:
    """Begin a table with one column of names or more: both sides, the change and the verdict."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(name, overflow="fold")
    for other in others:
        table.add_column(other)
    for number in NUMBERS:
        table.add_column(number, justify="right")
    table.add_column("verdict", no_wrap=True)
    return table


def coloured(verdict: Conclusion) -> str:
    """Write a verdict in its colour."""
    return f"[{COLOURS[verdict]}]{verdict}[/]"


def _sentences(outcomes: Sequence[Comparison]) -> Iterator[str]:
    for outcome in outcomes:
        for line in (headline(outcome), *remarks(outcome)):
            yield f"{outcome.scenario}: {line}"


def _table(outcomes: Sequence[Comparison]) -> Table:
    table = numbers_table("scenario / endpoint", "metric")
    for outcome in outcomes:
        _add(table, outcome)
    return table


def _add(table: Table, outcome: Comparison) -> None:
    table.add_row(f"[bold]{escape(outcome.scenario)}[/]", *[""] * 5, coloured(outcome.verdict))
    for endpoint in endpoints(outcome):
        name = f"  {endpoint.name}"
        for figure in endpoint.figures:
            verdict = "void" if endpoint.verdict == "void" else figure.verdict
            table.add_row(escape(name), *_told(figure), coloured(verdict))
            name = ""


def _told(figure: Judged) -> tuple[str, ...]:
    sides = (amount(figure.base), amount(figure.head))
    return escape(figure.metric), *sides, percent(figure.change, "+"), interval(figure, "+")
