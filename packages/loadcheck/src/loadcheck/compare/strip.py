"""The picture of an interval: a line with no change in its middle."""

import math
from collections.abc import Iterable

from msgspec import Struct

from loadcheck.compare.outcome import Judged

FEWEST_MARGINS, MOST_MARGINS = 2, 5
"""To each side of the middle: where there is anything to decide is always to be seen."""
SMALLEST_REACH = 0.01


class Strip(Struct, frozen=True):
    """A change, its interval and the margin as places on a line, in percent of its length; 50 is no change.

    What lies beyond the line is at its end.
    """

    low: float
    high: float
    change: float
    margin: float


def reach(figures: Iterable[Judged], margin: float) -> float:
    """Return the change at the ends of the line, as a share: one for all figures, so that they compare."""
    bounds = [abs(bound) for each in figures for bound in (each.low, each.high) if math.isfinite(bound)]
    furthest = min(1.1 * max(bounds, default=0.0), MOST_MARGINS * margin)
    return max(furthest, FEWEST_MARGINS * margin, SMALLEST_REACH)


def strip(figure: Judged, margin: float, reach: float) -> Strip | None:
    """Place a figure on the line; None where its change is no number."""
    if math.isnan(figure.change):
        return None
    places = (figure.low, figure.high, figure.change, margin)
    return Strip(*(round(50 + 50 * min(max(each / reach, -1.0), 1.0), 1) for each in places))
