"""The plot: each server's rate beside the limit's, as a self-contained SVG."""

import math
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from benchmarks.peers.figures import (
    FASTAPI,
    FLOOR,
    GRANIAN,
    LIMIT,
    LITESTAR,
    NGINX,
    RATE,
    TWO_WORKERS,
    US,
    VARNISH,
    WITH_REDIS,
    Measures,
    Spread,
)
from benchmarks.peers.table import number

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
