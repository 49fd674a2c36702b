"""Where do values move to another level, and stay there?

Where they may have moved is found by E-Divisive (Matteson & James, "A Nonparametric Approach for Multiple
Change Point Analysis of Multivariate Data", Journal of the American Statistical Association 109 (2014)) in
windows, as Apache Otava does it (Fleming et al., "Hunter: Using Change Point Detection to Hunt for
Performance Regressions", ICPE 2023). Which of these moves count is decided here: Otava's own last step, at
0.8.0, goes on to judge a move by the values up to the next one when that one has been dropped
(https://github.com/apache/otava/pull/96).
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy import special

from loadcheck.model.samples import Floats

WINDOW: Final = 50
"""So many values are looked at together, as Otava does."""

MAX_P_VALUE: Final = 1e-4
"""Far less than usual, because a move is looked for at every place, and the most suspicious one is tested."""

WEAK_P_VALUE: Final = 0.05
"""What is looked at more closely: much, as a move and the way back hide each other at first."""

MIN_MAGNITUDE: Final = 0.02
"""Nobody acts on less than 2 %."""

FEWEST_IN_A_ROW: Final = 3
FEWEST_VALUES: Final = 8

FAR: Final = 4.0
"""In standard deviations: so far from the values on both sides is an accident."""


class Level(Struct, frozen=True, kw_only=True):
    """Values that stay about their mean; `places` are theirs in the whole.

    `p_value` is how often two such stretches of one level differ as much as this one and the one before it
    (Student's t-test); 1 for the first.
    """

    places: tuple[int, ...]
    mean: float
    p_value: float


def levels(values: Floats) -> tuple[Level, ...]:
    """Return the levels of values in their order; fewer than `FEWEST_VALUES` are always one level.

    Fewer than `FEWEST_IN_A_ROW` at a level of their own are an accident, or too new to tell, and belong to no
    level. Accidents that stand out are left out at first, as one of them can hide a change; then the shortest
    stretch that is too short, until there is none.
    """
    places = np.arange(len(values))
    if len(places) >= FEWEST_VALUES:
        places = places[~_are_accidents(values)]
    while len(places) >= FEWEST_VALUES:
        found = np.split(places, _certain(values[places], _candidates(values[places])))
        shortest = min(found, key=len)
        if len(shortest) >= FEWEST_IN_A_ROW:
            return tuple(_levels(values, found))
        places = np.setdiff1d(places, shortest)
    return tuple(_levels(values, [places]))


def _are_accidents(values: Floats) -> NDArray[np.bool_]:
    """Return which values are far from most of those just before them, and of those just after.

    What is far is measured by how much neighbours differ, which neither accidents nor changes of level alter
    much: of normal values, half differ by less than 0.954 standard deviations.
    """
    far = FAR * float(np.median(np.abs(np.diff(values)))) / 0.954
    found = np.zeros(len(values), np.bool_)
    for place, value in enumerate(values):
        sides = (values[max(place - FEWEST_IN_A_ROW, 0) : place], values[place + 1 :][:FEWEST_IN_A_ROW])
        found[place] = all(abs(value - median(side)) > far for side in sides if len(side))
    return found


def _candidates(values: Floats) -> list[int]:
    """Return where a new level may begin, however little speaks for it."""
    from otava.analysis import split  # noqa: PLC0415 - it takes a second to import all of scipy.stats

    return [int(found.index) for found in split(values.tolist(), WINDOW, WEAK_P_VALUE)]


def _certain(values: Floats, cuts: list[int]) -> list[int]:
    """Drop the least certain cut while it is not certain enough, else the least one while it is too small."""
    while cuts:
        neighbours = list(pairwise(np.split(values, cuts)))
        p_values = [_p_value(*both) for both in neighbours]
        magnitudes = [_magnitude(*both) for both in neighbours]
        if max(p_values) > MAX_P_VALUE:
            weakest = int(np.argmax(p_values))
        elif min(magnitudes) < MIN_MAGNITUDE:
            weakest = int(np.argmin(magnitudes))
        else:
            break
        cuts = cuts[:weakest] + cuts[weakest + 1 :]
    return cuts


def _levels(values: Floats, found: Sequence[NDArray[np.intp]]) -> Iterator[Level]:
    p_values = (_p_value(values[left], values[right]) for left, right in pairwise(found))
    for places, p_value in zip(found, (1.0, *p_values), strict=True):
        yield Level(places=tuple(places.tolist()), mean=float(values[places].mean()), p_value=p_value)


def _p_value(left: Floats, right: Floats) -> float:
    """Return the two-sided p-value of Student's t-test; 0 where both sides are constant, and differ."""
    difference = abs(float(left.mean() - right.mean()))
    freedom = len(left) + len(right) - 2
    if not freedom:
        return 1.0
    squares = float(np.square(left - left.mean()).sum() + np.square(right - right.mean()).sum())
    if not squares:
        return 0.0 if difference else 1.0
    error = math.sqrt(squares / freedom * (1 / len(left) + 1 / len(right)))
    return float(2 * special.stdtr(freedom, -difference / error))


def _magnitude(left: Floats, right: Floats) -> float:
    """Return by which share of the lower mean the two differ; infinite from or to zero."""
    low, high = sorted((float(left.mean()), float(right.mean())))
    return high / low - 1 if low else math.inf
