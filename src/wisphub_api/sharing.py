"""With whom this process shares what it knows: nobody, this machine's others, other machines' as well."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.shared import Codec, Shared
from wisphub_api.cache.shared_cached import SharedCached
from wisphub_api.cache.slot import Policy
from wisphub_api.fleet.link_state import LinkState
from wisphub_api.fleet.seal import Seal
from wisphub_api.fleet.shelf import Shelf
from wisphub_api.fleet.store import MemoryStore, Store
from wisphub_api.settings import Settings
from wisphub_api.upstream.budget import Budget

if TYPE_CHECKING:
    from wisphub_api.fleet.file_shelf import FileShelf
    from wisphub_api.fleet.fleet import Fleet

V = TypeVar("V")


class Sharing:
    """What is shared as the settings ask for it.

    Args:
        settings: Name the Redis and the folder, if any.
        budget: WispHub Net's; this process takes its part of it.

    Attributes:
        store: Counts, holds and notes.
    """

    def __init__(self, settings: Settings, budget: Budget) -> None:
        self._budget = budget
        self._workers = settings.workers
        self._net_key = settings.net_key
        shelf, store = self._of_machine(settings.snapshot_dir)
        self._redis = None if settings.redis_url is None else self._join_redis(settings, shelf, store)
        self._shelf: Shelf | None = self._redis.shelf if self._redis else shelf
        self.store = self._redis.store if self._redis else store
        budget.share(self._workers)

    def cached(
        self,
        name: str,
        load: Callable[[V | None], Awaitable[V]],
        policy: Policy,
        size: Callable[[V], int],
        codec: Codec[V, Any],
    ) -> Cached[V]:
        """Make a cache, whose value is shared where anything is."""
        if self._shelf is None:
            return Cached(name, load, policy, size)
        return SharedCached(name, load, policy, size, Shared(name, codec, self._shelf, self._seal))

    def link_state(self) -> LinkState | None:
        """Tell how it stands with Redis; None where there is none."""
        return self._redis.link.state() if self._redis else None

    @asynccontextmanager
    async def open(self, *caches: Cached[Any]) -> AsyncGenerator[None, None]:
        """Open the way to the others, and the caches; others are heard once all caches listen."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.store.close)
            if self._redis is not None:
                await stack.enter_async_context(self._redis.link)
                await stack.enter_async_context(self._redis.members)
            for cache in caches:
                await stack.enter_async_context(cache)
            if self._shelf is not None:
                await stack.enter_async_context(self._shelf)
            yield

    @cached_property
    def _seal(self) -> Seal:
        return Seal(self._net_key.reveal())

    def _of_machine(self, folder: Path | None) -> tuple[FileShelf | None, Store]:
        """Give what the processes of this machine share, or what this one has for itself."""
        if folder is None:
            return None, MemoryStore()
        # Locks of files are not there on Windows, where the rest runs.
        from wisphub_api.fleet.file_shelf import FileShelf  # noqa: PLC0415
        from wisphub_api.fleet.file_store import FileStore  # noqa: PLC0415

        return FileShelf(folder), FileStore(folder, self._seal)

    def _join_redis(self, settings: Settings, folder: FileShelf | None, own: Store) -> Fleet:
        # Its library takes a while to import: without Redis the start need not wait for it.
        from wisphub_api.fleet.fleet import join  # noqa: PLC0415

        prefix = f"wisphub-api:{self._seal.name(settings.net_host)}"
        url = settings.redis_url.reveal() if settings.redis_url else ""
        return join(url, prefix, self._seal, folder, own, keep_s=_keep_s(settings), tell=self._share_among)

    def _share_among(self, members: int) -> None:
        self._budget.share(max(members, self._workers))


def _keep_s(settings: Settings) -> float:
    """Give how long the longest-lived copy is of use."""
    ttls = (settings.clients_ttl_s, settings.plans_ttl_s, settings.payment_methods_ttl_s)
    return max(ttls) + settings.max_stale_s
