"""Samples as CSV (RFC 4180), piece by piece: they may be millions."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from loadcheck.samples import Samples

COLUMNS: Final = (
    "intended_s,start_s,done_s,method,endpoint,status,"
    "latency_ms,response_ms,first_byte_ms,bytes,cache,failure"
)
CHUNK: Final = 10_000


def sample_lines(found: Samples) -> Iterator[str]:
    """Give the lines, many at a time: the head first, then one a request in the order in which they ended."""
    yield f"{COLUMNS}\r\n"
    for start in range(0, len(found), CHUNK):
        part = found.kept(np.arange(start, min(start + CHUNK, len(found))))
        yield "".join(f"{line}\r\n" for line in _lines(part))


def _lines(part: Samples) -> Iterator[str]:
    columns = (part.intended_s, part.start_s, part.done_s, part.latency_ms, part.response_ms)
    rows = zip(
        part.label, *(column.tolist() for column in columns), part.first_byte_ms, part.size, strict=True
    )
    for index, intended_s, start_s, done_s, latency_ms, response_ms, first_byte_ms, size in rows:
        label = part.labels[index]
        times = f"{intended_s:.6f},{start_s:.6f},{done_s:.6f}"
        known = f"{label.method},{_quoted(label.endpoint)},{label.status}"
        first = "" if np.isnan(first_byte_ms) else f"{first_byte_ms:.4f}"
        sizes = f"{latency_ms:.4f},{response_ms:.4f},{first},{size}"
        yield f"{times},{known},{sizes},{label.cache},{_quoted(label.failure)}"


def _quoted(text: str) -> str:
    """Quote as RFC 4180 asks where a text holds what separates."""
    if not any(sign in text for sign in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'
