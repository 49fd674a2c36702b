"""With whom this process shares what it knows: nobody, this machine's others, other machines' as well."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.shared import Codec, Shared
from wisphub_api.cache.shared_cached import SharedCached
from wisphub_api.cache.slot import Policy
from wisphub_api.settings import Settings
from wisphub_api.shared.backend import Backend, LinkState
from wisphub_api.shared.memory import MemoryBackend
from wisphub_api.shared.sealed import Seal, SealedBackend
from wisphub_api.upstream.budget import Budget

if TYPE_CHECKING:
    from wisphub_api.shared.members import Members
    from wisphub_api.shared.redis_link import RedisLink

V = TypeVar("V")


class Sharing:
    """What is shared as the settings ask for it.

    One backend is chosen: Redis where it is named, else the folder, else this process's memory. The folder or
    the memory stands in for Redis while that is away.

    Args:
        settings: Name the Redis and the folder, if any.
        budget: WispHub Net's; this process takes its part of it.

    Attributes:
        store: Records, counts, leases and snapshots.
    """

    def __init__(self, settings: Settings, budget: Budget) -> None:
        self._budget = budget
        self._workers = settings.workers
        self._link: RedisLink | None = None
        self._members: Members | None = None
        self._is_alone = settings.redis_url is None and settings.snapshot_dir is None
        self.store: Backend = _of_machine(settings.snapshot_dir)
        if not self._is_alone:
            seal = Seal(settings.net_key.reveal())
            if settings.redis_url is not None:
                prefix = f"wisphub-api:{seal.name(settings.net_host)}"
                self.store = self._of_redis(settings.redis_url.reveal(), prefix, _keep_s(settings))
            self.store = SealedBackend(self.store, seal)
        budget.share(self._workers)

    def cached(
        self,
        name: str,
        load: Callable[[V | None], Awaitable[V]],
        policy: Policy,
        size: Callable[[V], int],
        codec: Codec[V, Any],
    ) -> Cached[V]:
        """Return a cache, whose value is shared where anything is."""
        if self._is_alone:
            return Cached(name, load, policy, size)
        return SharedCached(name, load, policy, size, Shared(name, codec, self.store))

    def link_state(self) -> LinkState | None:
        """Return how it stands with Redis; None where there is none."""
        return self._link.state() if self._link else None

    @asynccontextmanager
    async def open(self, *caches: Cached[Any]) -> AsyncGenerator[None, None]:
        """Open the way to the others, and the caches."""
        async with AsyncExitStack() as stack:
            for context in (self._link, self._members, self.store, *caches):
                if context is not None:
                    await stack.enter_async_context(context)
            yield

    def _of_redis(self, url: str, prefix: str, keep_s: float) -> Backend:
        # Its library is an extra, and takes a while to import: without Redis the start need not wait for it.
        from wisphub_api.shared.members import Members  # noqa: PLC0415
        from wisphub_api.shared.redis import RedisBackend  # noqa: PLC0415
        from wisphub_api.shared.redis_link import RedisLink  # noqa: PLC0415

        self._link = RedisLink(url)
        self._members = Members(self._link, f"{prefix}:members", self._share_among)
        return RedisBackend(self._link, prefix, keep_s, stand_in=self.store)

    def _share_among(self, members: int) -> None:
        self._budget.share(max(members, self._workers))


def _of_machine(folder: Path | None) -> Backend:
    """Return what the processes of this machine share, or what this one has for itself."""
    if folder is None:
        return MemoryBackend()
    from wisphub_api.shared.sqlite import SqliteBackend  # noqa: PLC0415  # who shares nothing need not load SQLite

    return SqliteBackend(folder)


def _keep_s(settings: Settings) -> float:
    """Return how long the longest-lived snapshot is of use, in seconds."""
    ttls = (settings.clients_ttl_s, settings.plans_ttl_s, settings.payment_methods_ttl_s)
    return max(ttls) + settings.max_stale_s
