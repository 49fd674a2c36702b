"""JSON bytes with their validator, made once and sent as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self, TypeVar

import msgspec
from xxhash import xxh3_128_hexdigest

from wisphub_api.cache.codings import IDENTITY, Forms


class _Items(Protocol):
    def __getitem__(self, key: slice, /) -> Self: ...


T = TypeVar("T", bound=_Items)


class Representation(msgspec.Struct, frozen=True):
    """What goes over the wire for one resource (RFC 9110, section 3.2).

    Attributes:
        body: JSON bytes.
        etag: A strong validator: equal tags mean equal bytes, in every worker.
        total: For a list, how many items there are in all; a page holds fewer.
        forms: Its compressed forms, where it is kept long enough to be worth them.
        encoded: Its header fields by coding, as they go over the wire; filled by who sends it first.
    """

    body: bytes
    etag: str
    total: int | None = None
    forms: Forms | None = None
    encoded: dict[str, tuple[bytes, bytes]] = msgspec.field(default_factory=dict)

    def tag(self, coding: str) -> str:
        """Give the validator of a form: that of the body, and the coding's name."""
        return self.etag if coding == IDENTITY else f'{self.etag[:-1]}-{coding}"'


def represent(content: Any, *, total: int | None = None) -> Representation:
    """Encode `content` as JSON and tag it with a digest of its bytes."""
    return tagged(msgspec.json.encode(content), total=total)


def tagged(body: bytes, *, total: int | None = None, is_kept: bool = False) -> Representation:
    """Tag what is JSON already; what is kept is sent compressed where it is asked for.

    The tag is a checksum of 128 bits, not a cryptographic digest: that takes longer than to write the body.
    """
    forms = Forms(body) if is_kept else None
    return Representation(body, f'"{xxh3_128_hexdigest(body)}"', total, forms)


def page_of(items: T, limit: int | None, offset: int) -> T:
    """Give at most `limit` items (None: all) from the one at `offset` on."""
    return items[offset : None if limit is None else offset + limit]


def represent_page(items: Sequence[Any], limit: int | None, offset: int) -> Representation:
    """Encode a page of a list, and tell how long the whole is."""
    return represent(page_of(items, limit, offset), total=len(items))
