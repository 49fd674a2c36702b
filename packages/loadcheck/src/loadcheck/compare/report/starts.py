"""What processes take before they are asked, and what memory: shown beside the verdict, not judged."""

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Final

import numpy as np
from msgspec import Struct

from loadcheck.compare.comparison import BASE, CONTROL, HEAD, SIDES, Comparison, Start
from loadcheck.compare.report.words import percent, three_digits
from loadcheck.compare.shift import Shift

SIDE_NAMES: Final = {BASE: "base", CONTROL: "base again", HEAD: "head"}
UNITS: Final[Mapping[str, tuple[float, str]]] = {
    "ready_s": (1.0, "s"),
    "memory_bytes": (1e-6, "MB"),
    "peak_bytes": (1e-6, "MB"),
}
"""What is shown of a start, in which unit."""


class Started(Struct, frozen=True):
    """A row of the table: whose starts, how many, and for each of `UNITS` what is shown."""

    side: str
    count: str
    told: tuple[str, ...]


def started(outcome: Comparison) -> Iterator[Started]:
    """Yield each side's medians, least and most; then by how much head's mean differs from base's."""
    sides = {side: [start for start in outcome.starts if start.side == side] for side in SIDES}
    for side, own in sides.items():
        if own:
            told = (
                _middle([scale * value for value in _values(own, name)], unit)
                for name, (scale, unit) in UNITS.items()
            )
            yield Started(SIDE_NAMES[side], str(len(own)), tuple(told))
    base, head = [*sides[BASE], *sides[CONTROL]], sides[HEAD]
    if min(len(base), len(head)) > 1:
        yield Started(
            "change", "", tuple(_change(_values(base, name), _values(head, name)) for name in UNITS)
        )


def shift(base: Sequence[float], head: Sequence[float]) -> Shift:
    """Compare the means of logarithms of independent values whose variances are alike (Student's t)."""
    logs = [np.log(values) for values in (base, head)]
    freedom = len(base) + len(head) - 2
    variance = sum(float(((each - each.mean()) ** 2).sum()) for each in logs) / freedom
    return Shift(
        log_ratio=float(logs[1].mean() - logs[0].mean()),
        error=math.sqrt(variance * (1 / len(base) + 1 / len(head))),
        blocks=freedom + 1,
    )


def _values(starts: Sequence[Start], name: str) -> list[float]:
    return [getattr(start, name) for start in starts]


def _middle(values: Sequence[float], unit: str) -> str:
    middle, least, most = map(three_digits, (median(values), min(values), max(values)))
    return f"{middle} {unit} ({least} to {most})"


def _change(base: Sequence[float], head: Sequence[float]) -> str:
    found = shift(base, head)
    bounds = found.interval()
    return f"{percent(found.change, '+')} ({percent(bounds.low, '+')} to {percent(bounds.high, '+')})"
