"""Operations on many clients at once with numpy; imported on first use, as numpy takes a while."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]
_STEP: Final = 256
"""Items copied at once, so that intermediate arrays stay in the processor's cache."""


def select_items(body: bytes, starts: array[int], positions: Positions) -> bytes:
    """Return some items of a JSON array, at least one, as a JSON array.

    The bytes are copied without creating objects. An item of 2^k to 2^(k+1) bytes is copied as its first 2^k
    bytes and its last 2^k bytes: the overlap is written twice, and no byte outside of the item is written.

    Args:
        body: The array.
        starts: Where each item begins in it, and where one more would begin.
        positions: The positions of the items, in the desired order.
    """
    begins = np.frombuffer(starts, np.int64)
    sources = begins.take(positions)
    lengths = begins.take(positions + 1) - sources  # with the comma or bracket after it
    ends = lengths.cumsum() + 1
    places = ends - lengths
    whole = BytesIO(bytes(int(ends[-1])))  # returns its bytes without another copy
    with whole.getbuffer() as room:
        room[:1] = b"["
        for width, some in _by_width(lengths):
            for shift in (0, lengths[some] - width):
                _stretches(room, width)[places[some] + shift] = _stretches(body, width)[sources[some] + shift]
        np.frombuffer(room, np.uint8)[ends - 1] = ord(",")
        room[-1:] = b"]"
    return whole.getvalue()


def _by_width(lengths: Positions) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Yield each power of two that is the largest within some lengths, and the positions of these lengths."""
    exponents = np.frexp(lengths)[1] - 1
    for exponent in np.flatnonzero(np.bincount(exponents)).tolist():
        fitting = np.flatnonzero(exponents == exponent)
        for begin in range(0, len(fitting), _STEP):
            yield 1 << exponent, fitting[begin : begin + _STEP]


def _stretches(memory: bytes | memoryview, width: int) -> NDArray[Any]:
    """Return the bytes at each place, of this length."""
    return np.ndarray((len(memory) - width + 1,), np.dtype((np.void, width)), memory, strides=(1,))


def newest_by_key(keys: array[int]) -> list[int]:
    """Return the rows by key; of those with the same key only the last."""
    column = np.frombuffer(keys, np.int64)
    rows = np.argsort(column, kind="stable")
    ordered = column[rows]
    is_last = np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]
    newest: list[int] = rows[is_last].tolist()
    return newest
