"""The tables: Markdown that reads well in a terminal."""

from collections.abc import Iterator, Sequence

from benchmarks.peers.figures import LIMIT, METRICS, SERVERS, Measures, Metric, Missing, Spread
from benchmarks.peers.targets import Line


def measures_table(clients: int, measures: Measures, missing: Sequence[Missing]) -> str:
    """Return each figure, in brackets its ratio to the limit's: the rounds' median, lowest and highest."""
    head = [f"{clients:,} clients", "server", *(metric.title for metric in METRICS)]
    rows = [
        [
            case if server == LIMIT else "",
            server,
            *(_cell(metric, measures, clients, case, server) for metric in METRICS),
        ]
        for case in measures.cases(clients)
        for server in SERVERS
        if measures.has(clients, case, server)
    ]
    lines = [table(head, rows)]
    lines += [f"{one.case}, {one.server}: {one.why}" for one in missing if one.clients == clients]
    return "\n".join(lines)


def targets_table(lines: Sequence[Line]) -> str:
    """Return each promise, what was found, and whether it was kept."""
    return table(["promise", "found", ""], [[line.promise, line.found, line.verdict] for line in lines])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, its columns as wide as their widest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    return "\n".join(_lines(head, rows, widths))


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterator[str]:
    yield _row(head, widths)
    yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    for row in rows:
        yield _row(row, widths)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def _cell(metric: Metric, measures: Measures, clients: int, case: str, server: str) -> str:
    value = number(measures.figure(metric, clients, case, server).median)
    ratio = measures.ratio(metric, clients, case, (server, LIMIT))
    return value if server == LIMIT or ratio is None else f"{value} {times(ratio)}"


def times(ratio: Spread) -> str:
    """Return a ratio with its spread."""
    if ratio.low == ratio.high:
        return f"({number(ratio.median)})"
    return f"({number(ratio.median)}: {number(ratio.low)} to {number(ratio.high)})"


def number(value: float) -> str:
    """Return three digits that count; a thousand and more without decimals."""
    if abs(value) >= 999.5:  # noqa: PLR2004  # what three digits cannot say
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".") if value else "0"
