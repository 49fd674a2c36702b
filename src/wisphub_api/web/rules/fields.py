"""What of a request's head bears on its answer: read once, the same for the fast path and the router."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from wisphub_api.exceptions import HeadersTooLarge, UriTooLong

URI_MAX_BYTES: Final = 8 * 1024
"""Path and query; RFC 9110, section 4.1, asks for 8,000 bytes at least."""
HEADER_MAX_BYTES: Final = 32 * 1024
HEADER_MAX_FIELDS: Final = 100

RawFields = Sequence[tuple[bytes, bytes]]
"""Names in lower case, and values."""
Given = list[bytes | None]
"""The values of the fields below, by their numbers; None where a field is missing."""

(
    HOST,
    KEY,
    REQUEST_ID,
    IF_NONE_MATCH,
    ACCEPT_ENCODING,
    CACHE_CONTROL,
    TRACEPARENT,
    ORIGIN,
    FORWARDED_FOR,
    CONTENT_TYPE,
    CONTENT_LENGTH,
    UNUSUAL,
) = range(12)
_NUMBERS: Final[Mapping[bytes, int]] = {
    b"host": HOST,
    b"x-api-key": KEY,
    b"x-request-id": REQUEST_ID,
    b"if-none-match": IF_NONE_MATCH,
    b"accept-encoding": ACCEPT_ENCODING,
    b"cache-control": CACHE_CONTROL,
    b"traceparent": TRACEPARENT,
    b"origin": ORIGIN,
    b"x-forwarded-for": FORWARDED_FOR,
    b"content-type": CONTENT_TYPE,
    b"content-length": CONTENT_LENGTH,
    # These are for the router: they change how the message is read, or what is sent before the answer.
    b"content-encoding": UNUSUAL,
    b"expect": UNUSUAL,
    b"transfer-encoding": UNUSUAL,
    b"upgrade": UNUSUAL,
}


def read_fields(fields: RawFields) -> tuple[Given, int]:
    """Return the fields that bear on an answer, and the size of all of them in bytes.

    The lines of one field are joined (RFC 9110, section 5.3).
    """
    given: Given = [None] * (UNUSUAL + 1)
    size, number_of = 0, _NUMBERS.get
    for name, value in fields:
        size += len(name) + len(value)
        number = number_of(name)
        if number is not None:
            before = given[number]
            given[number] = value if before is None else before + b"," + value
    return given, size


def excess(target_bytes: int, fields: int, size: int) -> UriTooLong | HeadersTooLarge | None:
    """Return the error for what is too long; None where nothing is.

    Args:
        target_bytes: Of path and query.
        fields: How many the header has.
        size: Of all fields, in bytes.
    """
    if target_bytes > URI_MAX_BYTES:
        return UriTooLong(f"Path and query are longer than {URI_MAX_BYTES // 1024} kB.")
    if fields > HEADER_MAX_FIELDS:
        return HeadersTooLarge(f"The header has more than {HEADER_MAX_FIELDS} fields.")
    if size > HEADER_MAX_BYTES:
        return HeadersTooLarge(f"The header is larger than {HEADER_MAX_BYTES // 1024} kB.")
    return None
