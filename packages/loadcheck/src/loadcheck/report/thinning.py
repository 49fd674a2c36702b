"""Which of very many requests to draw, so that the picture stays the same."""

import numpy as np
from numpy.typing import NDArray

from loadcheck.samples import Floats

KEPT_SLOWEST = 500
COLUMNS, ROWS = 180, 48
"""The grid in which only one request a cell is drawn: finer than the dots are wide."""


def thinned(at_s: Floats, latency_ms: Floats) -> NDArray[np.intp]:
    """Return the indices to draw: each of the slowest, and one for every place where a dot would be."""
    if not len(at_s):
        return np.empty(0, np.intp)
    is_kept = np.zeros(len(at_s), np.bool_)
    is_kept[np.argsort(latency_ms)[-KEPT_SLOWEST:]] = True
    cells = _place(at_s, COLUMNS) * ROWS + _place(np.log(np.maximum(latency_ms, 1e-3)), ROWS)
    is_kept[np.unique(cells, return_index=True)[1]] = True
    return np.flatnonzero(is_kept)


def _place(values: Floats, count: int) -> NDArray[np.int64]:
    width = float(np.ptp(values)) / count or 1.0
    places: NDArray[np.int64] = np.minimum((values - values.min()) / width, count - 1).astype(np.int64)
    return places
