"""The console table of a comparison of micro-benchmarks, the worst first."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Final

from rich.markup import escape
from rich.table import Table

from loadcheck.compare.comparison import Judged
from loadcheck.compare.micro.benchmarks import MicroComparison
from loadcheck.compare.report.table import coloured, drawn, numbers_table
from loadcheck.compare.report.words import BADNESS, interval, percent

UNITS: Final = (("s", 1e3), ("ms", 1.0), ("µs", 1e-3), ("ns", 1e-6))
"""Units of time, in ms."""


def render_micro(outcome: MicroComparison, width: int, *, has_colour: bool) -> str:
    """Draw the table, at most `width` characters wide, and below it what was left out and the verdict."""
    return drawn(_table(outcome), _remarks(outcome), width, has_colour=has_colour)


def _table(outcome: MicroComparison) -> Table:
    table = numbers_table("benchmark")
    for figure in sorted(outcome.figures, key=_badness):
        table.add_row(*_row(figure))
    return table


def _badness(figure: Judged) -> tuple[int, float]:
    return BADNESS.index(figure.verdict), -figure.change


def _row(figure: Judged) -> Iterator[str]:
    yield escape(short(figure.endpoint))
    yield time_of(figure.base)
    yield time_of(figure.head)
    yield percent(figure.change, "+")
    yield interval(figure, "+")
    yield coloured(figure.verdict)


def _remarks(outcome: MicroComparison) -> Iterator[str]:
    for figure in outcome.figures:
        if figure.verdict == "inconclusive":
            yield f"{short(figure.endpoint)}: a rise of {percent(figure.visible)} would have been seen"
    for name, why in outcome.left_out.items():
        yield f"left out: {short(name)}: {why}"
    length = f"{len(outcome.figures)} benchmarks in {outcome.rounds} rounds, {outcome.took_s:.0f} s"
    yield f"{outcome.verdict}: {length}; base {outcome.base_name} ({outcome.base[:12]})"


def short(benchmark: str) -> str:
    """Name a benchmark by its file, without the folder, and its test."""
    file, colons, test = benchmark.partition("::")
    return f"{PurePath(file).name}{colons}{test}"


def time_of(figure_ms: float) -> str:
    """Write a time, given in ms, with three digits in the unit that fits."""
    unit, scale = next((each for each in UNITS if figure_ms >= each[1]), UNITS[-1])
    return f"{figure_ms / scale:.3g} {unit}"
