"""Pages as Django REST Framework cuts them: `limit` and `offset`, lenient with what it cannot read."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

DEFAULT_LIMIT = 50
MAX_LIMIT = 300


class PageRequest(msgspec.Struct, frozen=True):
    """Which rows are asked for, and of what list.

    Attributes:
        url: The list's address without its query; links to other pages are made from it.
        query: Every query parameter, those unknown too: links repeat them.
    """

    url: str
    query: Mapping[str, str]

    @property
    def limit(self) -> int:
        """How many rows: never more than 300, whatever is asked."""
        return min(_natural(self.query.get("limit")) or DEFAULT_LIMIT, MAX_LIMIT)

    @property
    def offset(self) -> int:
        """How many rows come before the page."""
        return _natural(self.query.get("offset")) or 0

    def link(self, offset: int) -> str:
        """Return the address of another page of the list."""
        query = {**self.query, "limit": str(self.limit), "offset": str(offset)}
        if offset <= 0:
            del query["offset"]
        return f"{self.url}?{urlencode(query)}"


def encode_page(page: PageRequest, count: int, rows: Sequence[bytes]) -> bytes:
    """Return a page's JSON from rows that are JSON already."""
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
    """Return the JSON of one page of a list that is held whole."""
    chosen = rows[page.offset : page.offset + page.limit]
    return encode_page(page, len(rows), [msgspec.json.encode(row) for row in chosen])


def _natural(text: str | None) -> int | None:
    """Read a whole number of at least 0; anything else is ignored, as the upstream does."""
    try:
        number = int(text or "")
    except ValueError:
        return None
    return max(number, 0)
