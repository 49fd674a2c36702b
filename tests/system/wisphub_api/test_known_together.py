"""Two workers with one Redis: limits, request keys, places in zones and pings hold across both."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.wisphub_api.test_known_together import *  # noqa: F403  # the same promises, kept over Redis

from wisphub_api.setting_values import Secret


@pytest.fixture  # type: ignore[no-redef]  # over Redis
def shared(patient_redis) -> dict[str, Any]:
    """Return the settings by which they share."""
    return {"redis_url": Secret(patient_redis.url)}


@pytest.fixture  # type: ignore[no-redef]  # over Redis
def held(redis_server) -> Callable[[], bytes]:
    """Read all that is shared."""

    def read() -> bytes:
        with redis_server.connected() as connection:
            names = list(connection.scan_iter())
            return b"\n".join([*names, *(connection.dump(name) or b"" for name in names)])

    return read
