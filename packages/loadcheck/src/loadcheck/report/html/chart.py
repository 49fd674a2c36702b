"""A chart as data: what the page's script draws, whoever made it."""

from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Numbers = tuple[float | None, ...]
Style = Literal["line", "dashed", "faint", "stack"]
MOST_SERIES = 6
"""As many colours as can be distinguished, by the colour-blind too."""
OTHERS = "others"


class Series(Struct, frozen=True, kw_only=True):
    """One line, or one layer of a stack; None leaves a gap. `colour` is its number in the page's palette."""

    name: str
    values: Numbers
    style: Style = "line"
    colour: int = 0
    is_right: bool = False


class Points(Struct, frozen=True, kw_only=True):
    """Single requests, as dots or crosses."""

    name: str
    x: Numbers
    y: Numbers
    mark: Literal["dot", "cross", "limit"] = "dot"


class Chart(Struct, frozen=True, kw_only=True):
    """Series over one axis: the time in seconds, or the percentile written as 1 / (1 - share).

    `unit` and `right_unit` are those of the two value axes.
    """

    title: str
    x: Numbers
    series: tuple[Series, ...]
    points: tuple[Points, ...] = ()
    note: str = ""
    unit: str = ""
    right_unit: str = ""
    is_log: bool = False
    axis: Literal["time", "percentile"] = "time"

    @property
    def summary(self) -> str:
        """The range of each series in words, for who does not see it."""
        ranges = [f"{each.name} {_range(each.values)}" for each in self.series]
        return f"{self.title}: {'; '.join(ranges)}"


def numbers(values: NDArray[Any], digits: int = 4) -> Numbers:
    """Round to significant digits, so that the page stays small; what is not finite becomes a gap."""
    return tuple(float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in values.tolist())


def _range(values: Numbers) -> str:
    known = [value for value in values if value is not None]
    return f"from {min(known):g} to {max(known):g}" if known else "not known"
