"""Figures rounded to what a run can tell: two runs of the same server then mostly show the same figure."""

import math

from loadcheck.intervals import Interval

STEPS = (1.0, 2.0, 5.0, 10.0)


def rounded(value: float, interval: Interval | None) -> float:
    """Round a figure to a step as wide as its interval; a digit always stays, two where nothing bounds it.

    The step is 1, 2 or 5 times a power of ten, so that it hardly changes from run to run. What lies just
    between two steps can still fall on either side.
    """
    digit = 10.0 ** math.floor(math.log10(abs(value))) if value else 0.0
    step = min(_step(interval.high - interval.low), digit) if interval else digit / 10
    if not step:
        return value
    digits = max(-math.floor(math.log10(step)), 0)
    return round(round(value / step) * step, digits)


def _step(width: float) -> float:
    """Return the smallest step that is not narrower than a width; 0 for a width of 0."""
    if width <= 0 or math.isinf(width):
        return width
    power = 10.0 ** math.floor(math.log10(width))
    return next(step * power for step in STEPS if step * power >= width or step == STEPS[-1])
