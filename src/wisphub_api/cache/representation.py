"""JSON bytes with their validator, made once and sent as they are."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec


class Representation(msgspec.Struct, frozen=True):
    """What goes over the wire for one resource (RFC 9110, section 3.2).

    Attributes:
        body: JSON bytes.
        etag: A strong validator: equal tags mean equal bytes, in every worker.
        total: For a list, how many items there are in all; a page holds fewer.
    """

    body: bytes
    etag: str
    total: int | None = None


def represent(content: Any, *, total: int | None = None) -> Representation:
    """Encode `content` as JSON and tag it with a digest of its bytes."""
    body = msgspec.json.encode(content)
    return Representation(body, f'"{blake2b(body, digest_size=12).hexdigest()}"', total)
