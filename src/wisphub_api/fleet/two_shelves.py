"""Redis for all processes, and beside it a folder for this machine: what one has lost, the other may have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from wisphub_api.fleet.file_shelf import FileShelf
from wisphub_api.fleet.redis_shelf import RedisShelf
from wisphub_api.fleet.shelf import Hear, Sealed, Stored


class TwoShelves:
    """Copies are put on both; those of the folder are of use where Redis has none.

    Args:
        redis: Shared by all processes.
        folder: Shared by those of this machine.
    """

    tells = True
    is_reachable = True

    def __init__(self, redis: RedisShelf, folder: FileShelf) -> None:
        self._redis = redis
        self._folder = folder

    async def __aenter__(self) -> Self:
        """Open both."""
        await self._redis.__aenter__()
        await self._folder.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close both."""
        await self._folder.__aexit__()
        await self._redis.__aexit__()

    @property
    def losses(self) -> int:
        """How often Redis has been found without what should be there."""
        return self._redis.losses

    def listen(self, name: str, hear: Hear) -> None:
        """Listen to both."""
        self._redis.listen(name, hear)
        self._folder.listen(name, hear)

    async def catch_up(self) -> None:
        """Hear what Redis and the folder have."""
        await self._redis.catch_up()
        await self._folder.catch_up()

    async def newest(self, name: str, seen: str) -> Stored | None:
        """Give Redis' copy, or the folder's where Redis has none, unless it was `seen`."""
        of_redis, of_folder = _both(seen)
        found = await self._redis.newest(name, of_redis)
        if found is not None:
            return Stored(_tag(found.tag, of_folder), found.content)
        if of_redis and self._redis.is_reachable:
            return None  # the folder holds no other
        other = await self._folder.newest(name, of_folder)
        return Stored(_tag(of_redis, other.tag), other.content) if other else None

    async def put(self, name: str, copy: Sealed, seen: str) -> str | None:
        """Put a copy on both; None where neither takes it."""
        of_redis, of_folder = _both(seen)
        new_redis = await self._redis.put(name, copy, of_redis)
        # What Redis takes is the newest; whatever the folder has, the others know it.
        new_folder = await self._folder.put(name, copy, self._folder.tag(name) if new_redis else of_folder)
        if new_redis is None and new_folder is None:
            return None
        return _tag(new_redis or of_redis, new_folder or of_folder)

    async def tell(self, name: str, change: bytes, at: float) -> bool:
        """Tell all processes."""
        return await self._redis.tell(name, change, at)

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[bool]:
        """Hold the right to load among all processes; while Redis is away, among this machine's."""
        async with self._redis.turn(name) as is_ours:
            if not is_ours:
                yield False
                return
            async with self._folder.turn(name) as is_ours_here:
                yield is_ours_here


def _tag(of_redis: str, of_folder: str) -> str:
    return f"{of_redis} {of_folder}"


def _both(tag: str) -> tuple[str, str]:
    of_redis, _, of_folder = tag.partition(" ")
    return of_redis, of_folder
