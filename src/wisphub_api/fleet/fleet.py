"""All that goes by Redis, put together."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from wisphub_api.fleet.file_shelf import FileShelf
from wisphub_api.fleet.members import Members
from wisphub_api.fleet.redis_link import RedisLink
from wisphub_api.fleet.redis_shelf import RedisShelf
from wisphub_api.fleet.redis_store import RedisStore
from wisphub_api.fleet.seal import Seal
from wisphub_api.fleet.shelf import Shelf
from wisphub_api.fleet.store import Store
from wisphub_api.fleet.two_shelves import TwoShelves


class Fleet(Struct, frozen=True):
    """What this process has of the processes that share a Redis."""

    link: RedisLink
    members: Members
    store: Store
    shelf: Shelf


def join(  # noqa: PLR0913  # each is another matter
    url: str,
    prefix: str,
    seal: Seal,
    folder: FileShelf | None,
    own: Store,
    *,
    keep_s: float,
    tell: Callable[[int], None],
) -> Fleet:
    """Make all of it; nothing is asked of Redis yet.

    Args:
        url: Of Redis.
        prefix: Begins every key.
        seal: Seals what is left there.
        folder: Keeps copies on this machine as well, where there is one.
        own: Keeps counts, holds and notes while Redis is away.
        keep_s: How long a copy is of use, in seconds.
        tell: Is told how many processes there are.
    """
    link = RedisLink(url)
    redis = RedisShelf(link, prefix, keep_s)
    shelf = TwoShelves(redis, folder) if folder else redis
    return Fleet(link, Members(link, f"{prefix}:members", tell), RedisStore(link, seal, prefix, own), shelf)
