"""Compressed forms of a body (RFC 9110, section 8.4.1): made once, when asked for, off the event loop."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Callable
from contextvars import Context
from functools import lru_cache, partial
from typing import Final

import brotli
import zstandard

IDENTITY: Final = "identity"
_GZIP_FRAME: Final = 31
"""zlib's `wbits` for the largest window in gzip's frame (RFC 1952)."""
_ELEMENT: Final = re.compile(
    r"\s*([!#$%&'*+.^_`|~\w-]+)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*", re.ASCII
)


def _gzip(body: bytes) -> bytes:
    compressor = zlib.compressobj(6, zlib.DEFLATED, _GZIP_FRAME)
    return compressor.compress(body) + compressor.flush()


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=6).compress(body)


COMPRESSORS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "br": partial(brotli.compress, quality=5),
    "zstd": _zstd,
    "gzip": _gzip,
}
"""The one preferred first: for a list of clients they take about as long, and br's is the smallest."""


@lru_cache(maxsize=256)
def choose_coding(accept_encoding: str) -> str:
    """Choose the coding of an answer from the request's `Accept-Encoding` (RFC 9110, section 12.5.3).

    Among those of the highest weight the one that we prefer; the body as it is where none is taken, or where
    the field cannot be read.
    """
    weights: dict[str, float] = {}
    for element in filter(str.strip, accept_encoding.split(",")):
        match = _ELEMENT.fullmatch(element)
        if match is None:
            return IDENTITY
        weights.setdefault(match[1].lower(), float(match[2] or 1))
    if "x-gzip" in weights:  # another name of the same (section 8.4.1.3)
        weights.setdefault("gzip", weights["x-gzip"])
    offered = {coding: weights.get(coding, weights.get("*", 0.0)) for coding in COMPRESSORS}
    best = max(offered, key=lambda coding: offered[coding])
    return best if offered[best] > 0 and offered[best] >= weights.get(IDENTITY, 0.0) else IDENTITY


class Forms:
    """The compressed forms of one body.

    Args:
        body: As it is.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._made: dict[str, bytes] = {}
        self._under_way: dict[str, asyncio.Task[bytes]] = {}

    def ready(self, coding: str) -> bytes | None:
        """Give a form that has been made."""
        return self._made.get(coding)

    async def make(self, coding: str) -> bytes:
        """Give a form; all who ask while it is made wait for the same."""
        if coding in self._made:
            return self._made[coding]
        if coding not in self._under_way:
            # In a task of its own: who asked first may go away.
            self._under_way[coding] = asyncio.create_task(self._make(coding), context=Context())
        return await asyncio.shield(self._under_way[coding])

    async def _make(self, coding: str) -> bytes:
        try:
            self._made[coding] = await asyncio.to_thread(COMPRESSORS[coding], self._body)
        finally:
            del self._under_way[coding]
        return self._made[coding]
