"""JSON bytes with their validator, made once and sent as they are."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


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


def page_of(items: Sequence[T], limit: int | None, offset: int) -> Sequence[T]:
    """Give at most `limit` items (None: all) from the one at `offset` on."""
    return items[offset : None if limit is None else offset + limit]


def represent_page(items: Sequence[Any], limit: int | None, offset: int) -> Representation:
    """Encode a page of a list, and tell how long the whole is."""
    return represent(page_of(items, limit, offset), total=len(items))
