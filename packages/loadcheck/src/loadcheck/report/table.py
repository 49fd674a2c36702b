"""The console table: what was promised, what was measured, the verdict; readable without the files."""

from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loadcheck.model.judgement import Check, Judgement
from loadcheck.model.objectives import Verdict
from loadcheck.model.result import Result
from loadcheck.report.words import doubts, shortly, title, verdict_on_check, worth_a_line

COLOURS: Final[dict[Verdict, str]] = {
    "met": "green",
    "missed": "red",
    "inconclusive": "magenta",
    "void": "yellow",
}


def render_table(results: Iterable[Result], width: int, *, has_colour: bool) -> str:
    """Draw all results as one table, at most `width` characters wide, and below it what went wrong."""
    results = tuple(results)
    output = StringIO()
    console = Console(
        file=output, width=width, force_terminal=has_colour, no_color=not has_colour, highlight=False
    )
    console.print(_table(results))
    for line in _remarks(results):
        console.print(line, markup=False, soft_wrap=True)
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines())


def _table(results: Sequence[Result]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("scenario / endpoint", overflow="fold")
    table.add_column("objective", overflow="fold")
    table.add_column("measured [95 % interval]", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for result in results:
        table.add_row(
            f"[bold]{escape(title(result))}[/]", "", escape(shortly(result)), _coloured(result.verdict)
        )
        for judgement in result.judgements:
            _add_judgement(table, result, judgement)
        for check in result.claims:
            table.add_row("", *_row(check, result.verdict_on(check)))
    return table


def _add_judgement(table: Table, result: Result, judgement: Judgement) -> None:
    name = f"  {judgement.objective.endpoint or 'all requests'}"
    for check in worth_a_line(judgement.checks):
        table.add_row(escape(name), *_row(check, verdict_on_check(result, judgement, check)))
        name = ""


def _row(check: Check, verdict: Verdict) -> Iterator[str]:
    yield escape(str(check.limit))
    yield escape(check.measured)
    yield _coloured(verdict)


def _coloured(verdict: Verdict) -> str:
    return f"[{COLOURS[verdict]}]{verdict}[/]"


def _remarks(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        name = title(result)
        yield from (f"{name} is void: {reason}" for reason in result.void_reasons)
        if not result.void_reasons:
            yield from doubts(result)
        if result.capacity:
            yield f"{name}: {result.capacity}"
        yield from (f"{name}: {count} x {reason}" for reason, count in result.failures.items())
