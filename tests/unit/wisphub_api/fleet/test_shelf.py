"""One contract for every shelf; `tests/system` holds Redis to it."""

from collections.abc import Awaitable, Callable

import pytest

from wisphub_api.fleet.file_shelf import FileShelf
from wisphub_api.fleet.shelf import Sealed, Shelf

Share = Callable[[], Awaitable[Shelf]]


@pytest.fixture
def share(tmp_path) -> Share:
    """Return the shelf as one more process has it."""

    async def one_more() -> Shelf:
        return FileShelf(tmp_path)

    return one_more


async def test_what_is_put_is_found_by_all_until_they_have_seen_it(share):
    shelf, other = await share(), await share()
    assert await other.newest("things", "") is None
    tag = await shelf.put("things", Sealed(1.0, b"content"), "")
    found = await other.newest("things", "")
    assert found is not None
    assert (found.tag, found.content) == (tag, b"content")
    assert await other.newest("things", found.tag) is None
    assert await other.newest("another", "") is None
