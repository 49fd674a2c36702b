"""Sorting long columns with numpy, which lets go of the interpreter's lock while it sorts."""

from __future__ import annotations

from array import array
from typing import Final

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]
_MANY: Final = 256
"""Groups; of fewer each is taken by itself."""


def newest_by_key(keys: array[int]) -> list[int]:
    """Give the rows by key; of those of one key the last alone."""
    column = np.frombuffer(keys, np.int64)
    rows = np.argsort(column, kind="stable")
    ordered = column[rows]
    is_last = np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]
    newest: list[int] = rows[is_last].tolist()
    return newest


def starts_of(lengths: NDArray[np.int32]) -> NDArray[np.int32]:
    """Tell where each of some groups begins that lie end to end, and where the last ends."""
    starts = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=starts[1:])
    return starts


def groups_of(
    starts: NDArray[np.int32], values: NDArray[np.int32], groups: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Give the values of some groups, one group after the other."""
    begins, ends = starts.take(groups), starts.take(groups + 1)
    if len(groups) == 1:
        return values[begins[0] : ends[0]]
    if len(groups) < _MANY:
        bounds = zip(begins.tolist(), ends.tolist(), strict=True)
        return np.concatenate([values[:0], *(values[begin:end] for begin, end in bounds)])
    lengths = ends - begins
    shifts = begins - starts_of(lengths)[:-1]
    return values.take(np.repeat(shifts, lengths) + np.arange(lengths.sum(), dtype=np.int32))
