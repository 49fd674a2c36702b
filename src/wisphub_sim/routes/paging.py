"""Pages as Django REST Framework makes them: `limit` and `offset`, of which it ignores invalid values."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

_DEFAULT_LIMIT = 50
_MAX_LIMIT = 300


class PageRequest(msgspec.Struct, frozen=True):
    """The requested page of a list.

    Attributes:
        url: The list's address without its query, for the links to other pages.
        query: Every query parameter; links repeat the unknown ones too.
    """

    url: str
    query: Mapping[str, str]

    @property
    def limit(self) -> int:
        """Return the number of rows in a page: 300 at most, without an error for more."""
        return min(_natural(self.query.get("limit")) or _DEFAULT_LIMIT, _MAX_LIMIT)

    @property
    def offset(self) -> int:
        """Return the number of rows before the page."""
        return _natural(self.query.get("offset")) or 0

    def link(self, offset: int) -> str:
        """Return the address of another page of the list."""
        query = {**self.query, "limit": str(self.limit), "offset": str(offset)}
        if offset <= 0:
            del query["offset"]
        return f"{self.url}?{urlencode(query)}"


def encode_page(page: PageRequest, count: int, rows: Sequence[bytes]) -> bytes:
    """Return a page as JSON from rows that are JSON."""
    following, offset = page.offset + page.limit, page.offset
    links = {
        "next": page.link(following) if following < count else None,
        "previous": page.link(offset - page.limit) if offset > 0 else None,
    }
    return b"".join(
        (
            b'{"count":%d,' % count,
            msgspec.json.encode(links)[1:-1],
            b',"results":[',
            b",".join(rows),
            b"]}",
        )
    )


def cut_page(page: PageRequest, rows: Sequence[object]) -> bytes:
    """Return one page of a complete list as JSON."""
    chosen = rows[page.offset : page.offset + page.limit]
    return encode_page(page, len(rows), [msgspec.json.encode(row) for row in chosen])


def _natural(text: str | None) -> int | None:
    """Parse a number: 0 for a negative one, None for anything else."""
    try:
        number = int(text or "")
    except ValueError:
        return None
    return max(number, 0)
