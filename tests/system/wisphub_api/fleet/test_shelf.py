"""Redis as a shelf: the contract of all shelves."""

from collections.abc import Awaitable, Callable

import pytest
from tests.unit.wisphub_api.fleet.test_shelf import *  # noqa: F403  # the same promises, of Redis

from wisphub_api.fleet.redis_shelf import RedisShelf


@pytest.fixture  # type: ignore[no-redef]  # over Redis
def share(connect) -> Callable[[], Awaitable[RedisShelf]]:
    """Return the shelf as one more process has it."""

    async def one_more() -> RedisShelf:
        return RedisShelf(await connect(), "test", keep_s=1_000)

    return one_more
