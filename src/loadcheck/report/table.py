"""The console table: one line per objective, readable without the files."""

from collections.abc import Iterable, Iterator
from io import StringIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loadcheck.objectives import Check, Judgement, Verdict, with_unit
from loadcheck.result import Result

COLOURS = {"met": "green", "missed": "red", "void": "yellow"}
LATENCIES = ("mean_ms", "p50_ms", "p95_ms", "p99_ms")


def render(results: Iterable[Result], *, width: int, has_colour: bool) -> str:
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


def _table(results: tuple[Result, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("scenario / endpoint", overflow="fold")
    for name in ("requests", "rate/s", "mean ms", "P50", "P95", "P99", "failures"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("objective", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for result in results:
        table.add_row(f"[bold]{result.scenario}[/]", *[""] * 8, _coloured(result.verdict))
        for judgement in result.judgements:
            table.add_row(*_row(result, judgement))
        for check in result.claims:
            table.add_row(*_claim_row(result, check))
    return table


def _row(result: Result, judgement: Judgement) -> Iterator[str]:
    measured = judgement.figures
    yield f"  {escape(judgement.objective.endpoint or 'all requests')}"
    yield str(measured.requests)
    yield f"{measured.rate_per_s:.1f}"
    for name in LATENCIES:
        value = getattr(measured, name)
        yield "-" if value is None else f"{value:.2f}"
    yield f"{measured.failure_ratio:.2%}"
    yield ", ".join(check.promise for check in judgement.checks)
    yield _coloured(result.verdict_on(judgement))


def _claim_row(result: Result, check: Check) -> tuple[str, ...]:
    figure = with_unit(check.metric, check.figure or 0.0)
    return (
        f"  {escape(check.metric)}: {figure}",
        *[""] * 7,
        check.promise,
        _coloured(result.verdict_on(check)),
    )


def _coloured(verdict: Verdict) -> str:
    return f"[{COLOURS[verdict]}]{verdict}[/]"


def _remarks(results: tuple[Result, ...]) -> Iterator[str]:
    for result in results:
        yield from (f"{result.scenario} is void: {reason}" for reason in result.void_reasons)
        yield from (f"{result.scenario}: {count} x {reason}" for reason, count in result.failures.items())
