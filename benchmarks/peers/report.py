"""The report: tables in Markdown that reads well in a terminal, and plots of rates as self-contained SVG."""

import math
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from benchmarks.peers.figures import (
    FASTAPI,
    FLOOR,
    GRANIAN,
    LIMIT,
    LITESTAR,
    METRICS,
    NGINX,
    RATE,
    SERVERS,
    TWO_WORKERS,
    US,
    VARNISH,
    WITH_REDIS,
    Measures,
    Metric,
    Missing,
    Spread,
)
from benchmarks.peers.targets import Line

WIDTH, LEFT, RIGHT, TOP = 960, 250, 90, 64
BAR, GAP, HEAD = 15, 4, 26
LOWEST, HIGHEST = 0.001, 10.0
COLOURS = {
    US: "#0072b2",
    TWO_WORKERS: "#4a95c4",
    WITH_REDIS: "#4a95c4",
    GRANIAN: "#7a6a2f",
    FLOOR: "#5c656e",
    LITESTAR: "#8a4f9e",
    FASTAPI: "#b85c00",
    NGINX: "#008061",
    VARNISH: "#00807f",
}
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1d2227; } .quiet { fill: #5c656e; font-size: 12px; }
.ratio { paint-order: stroke; stroke: #fbfbfa; stroke-width: 4; }
.head { font-weight: 600; } .grid { stroke: #e8eaec; } .limit { stroke: #1d2227; stroke-width: 1.5; }
.spread { stroke: #1d2227; stroke-width: 1.5; } .paper { fill: #fbfbfa; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7ea; } .quiet { fill: #9aa4ad; } .grid { stroke: #2a2f34; } .paper { fill: #14171a; }
  .ratio { stroke: #14171a; }
  .limit, .spread { stroke: #e4e7ea; }
}
"""


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


def plot(clients: int, measures: Measures) -> str:
    """Draw bars on a logarithmic axis; the line on a bar is the rounds' spread, the upright one the limit."""
    bars = list(_bars(clients, measures))
    height = TOP + sum(HEAD if isinstance(bar, str) else BAR + GAP for bar in bars) + 16
    title = f"Requests a second beside a bare ASGI app that sends the same bytes, {clients:,} clients"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>{escape(title)}</title><style>{STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
            f'<text class="head" x="16" y="26">{escape(title)}</text>',
            *_axis(height),
            *_drawn(bars),
            "</svg>\n",
        ]
    )


def _bars(clients: int, measures: Measures) -> Iterator[str | tuple[str, Spread]]:
    """Return each case's name, then its bars."""
    for case in measures.cases(clients):
        yield case
        for server in COLOURS:
            if ratio := measures.ratio(RATE, clients, case, (server, LIMIT)):
                yield server, ratio


def _axis(height: int) -> Iterator[str]:
    for exponent in range(round(math.log10(LOWEST)), round(math.log10(HIGHEST)) + 1):
        value = 10.0**exponent
        style = "limit" if value == 1 else "grid"
        yield f'<line class="{style}" x1="{_x(value)}" x2="{_x(value)}" y1="{TOP - 4}" y2="{height - 10}"/>'
        yield f'<text class="quiet" text-anchor="middle" x="{_x(value)}" y="{TOP - 10}">{value:g}</text>'


def _drawn(bars: Sequence[str | tuple[str, Spread]]) -> Iterator[str]:
    y = TOP
    for bar in bars:
        if isinstance(bar, str):
            y += HEAD
            yield f'<text class="head" x="16" y="{y - 8}">{escape(bar)}</text>'
        else:
            yield from _bar(*bar, y)
            y += BAR + GAP


def _bar(server: str, ratio: Spread, y: int) -> Iterator[str]:
    start, end, middle = _x(LOWEST), _x(ratio.median), y + BAR / 2
    low, high = _x(ratio.low), _x(ratio.high)
    yield f'<text x="{start - 10}" y="{y + 12}" text-anchor="end">{escape(server)}</text>'
    yield f'<rect x="{start}" y="{y}" width="{end - start:.1f}" height="{BAR}" fill="{COLOURS[server]}"/>'
    yield f'<line class="spread" x1="{low}" x2="{high}" y1="{middle}" y2="{middle}"/>'
    yield f'<text class="quiet ratio" x="{max(high, end) + 6}" y="{y + 12}">{number(ratio.median)}</text>'


def _x(value: float) -> float:
    """Return where a ratio is drawn; what lies beyond the axis is put at its end."""
    share = math.log(min(max(value, LOWEST), HIGHEST) / LOWEST) / math.log(HIGHEST / LOWEST)
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)
