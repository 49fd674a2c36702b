"""JSON bytes with their validator, made once and sent as they are."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec

from wisphub_api.cache.codings import IDENTITY, Forms

T = TypeVar("T")


class Representation(msgspec.Struct, frozen=True):
    """What goes over the wire for one resource (RFC 9110, section 3.2).

    Attributes:
        body: JSON bytes.
        etag: A strong validator: equal tags mean equal bytes, in every worker.
        total: For a list, how many items there are in all; a page holds fewer.
        forms: Its compressed forms, where it is kept long enough to be worth them.
    """

    body: bytes
    etag: str
    total: int | None = None
    forms: Forms | None = None

    def tag(self, coding: str) -> str:
        """Give the validator of a form: that of the body, and the coding's name."""
        return self.etag if coding == IDENTITY else f'{self.etag[:-1]}-{coding}"'


def represent(content: Any, *, total: int | None = None) -> Representation:
    """Encode `content` as JSON and tag it with a digest of its bytes."""
    return tagged(msgspec.json.encode(content), total=total)


def tagged(body: bytes, *, total: int | None = None, is_kept: bool = False) -> Representation:
    """Tag what is JSON already; what is kept is sent compressed where it is asked for."""
    forms = Forms(body) if is_kept else None
    return Representation(body, f'"{blake2b(body, digest_size=12).hexdigest()}"', total, forms)


def page_of(items: Sequence[T], limit: int | None, offset: int) -> Sequence[T]:
    """Give at most `limit` items (None: all) from the one at `offset` on."""
    return items[offset : None if limit is None else offset + limit]


def represent_page(items: Sequence[Any], limit: int | None, offset: int) -> Representation:
    """Encode a page of a list, and tell how long the whole is."""
    return represent(page_of(items, limit, offset), total=len(items))
