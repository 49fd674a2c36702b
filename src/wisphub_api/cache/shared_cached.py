"""A cached resource that several processes share: one of them loads it at a time, the others take it over.

Who wants a newer value asks for the load lease. Who gets it looks for a snapshot once more, loads where there
is none, puts a snapshot, and only then ends the lease, so that the next one finds that snapshot. Who does not
get it waits for a snapshot, or for the lease to end.

The value is what was loaded (`_base`) with all that was written since (`_written`), in the order of the times
at which it was written, in whatever order it is heard of. So two processes that know the same load and have
heard the same show the same. What is written goes to the others as a message; what could not be published
(`_unpublished`) is in the head of the next snapshot, and is published when that is possible again. `_is_put`
says whether others can find all of it: after a loss everything is put and published once more.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from operator import itemgetter
from typing import Any, Final, Self, TypeVar, cast

from msgspec.structs import replace

from wisphub_api.cache.cached import MOST_CHANGES, Cached
from wisphub_api.cache.shared import Change, Loaded, Shared, Written
from wisphub_api.cache.slot import Policy, Slot
from wisphub_api.shared.spending import CLOCKS_DIFFER_S
from wisphub_api.shared.tasks import for_ever

V = TypeVar("V")

ASK_FOR_LEASE_S: Final = 0.5
"""How often a process that waits for another's load asks whether that one has given up."""
PUT_ATTEMPTS: Final = 5
PUT_AT_END_S: Final = 1.0
_AT: Final = itemgetter(0)


class SharedCached(Cached[V]):
    """A value that is loaded by one process at a time, for all.

    Args:
        name: How operators call it.
        load: Returns the whole value, or raises an `UpstreamError`.
        policy: How long a value may be used.
        size: Counts the items of a value.
        shared: Where other processes' values are found and its own are put.
        wall: Seconds since the epoch.
        options: As `Cached` takes them.
    """

    def __init__(  # noqa: PLR0913  # those of `Cached` and two
        self,
        name: str,
        load: Callable[[V | None], Awaitable[V]],
        policy: Policy,
        size: Callable[[V], int],
        shared: Shared[V],
        *,
        wall: Callable[[], float] = time.time,
        **options: Any,
    ) -> None:
        super().__init__(name, load, policy, size, **options)
        self._shared = shared
        self._wall = wall
        self._is_to_look, self._is_to_put = asyncio.Event(), asyncio.Event()
        self._snapshot_lock, self._publish_lock = asyncio.Lock(), asyncio.Lock()
        self._loaded_at = float("-inf")
        self._is_put = True
        self._losses = 0
        self._ending: asyncio.Task[None] | None = None
        self._base: V | None = None
        """What was loaded; the value is this with all that is in `_written`, in its order."""
        self._written: list[Written[V]] = []
        self._unpublished: list[Written[V]] = []
        shared.subscribe(self._hear, self._is_to_look.set)

    async def __aenter__(self) -> Self:
        """Take over what another process has loaded, and begin to load, without waiting for it."""
        await self._take_over()
        self._begin(
            for_ever(self._follow, f"{self.name} of others"),
            for_ever(self._put_changed, f"{self.name} for others"),
        )
        return await super().__aenter__()

    async def __aexit__(self, *_: object) -> None:
        """Put what the others do not have, unless that takes long, and stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PUT_AT_END_S):
                if self._ending is not None:
                    await asyncio.wait({self._ending})
                async with self._snapshot_lock:  # one may be on its way
                    pass
                if not self._is_put:
                    await self._put_latest()
        await super().__aexit__()

    async def amend(self, change: Change[V]) -> None:
        """Change the value in memory, of every process."""
        written = round(self._wall(), 6), change
        self._know(written)
        self._unpublished.append(written)
        try:
            await self._publish()
        finally:  # whose request is cut off has written all the same
            if self._unpublished:
                self._is_put = False
                self._is_to_put.set()

    async def catch_up(self) -> None:
        """See what other processes have written up to now."""
        await self._shared.catch_up()

    async def _load_once(self) -> Slot[V]:
        """Load once, or take over what another process loads meanwhile."""
        before = self._loaded_at
        while True:
            async with AsyncExitStack() as lease:
                is_ours = await lease.enter_async_context(self._shared.load_lease())
                await self._take_over()
                if self._slot is not None and self._loaded_at > before and self._is_wanted(self._slot):
                    return self._slot
                if is_ours:
                    return await self._load_with_lease(lease)
            with suppress(TimeoutError):
                async with asyncio.timeout(ASK_FOR_LEASE_S):
                    await self._is_to_look.wait()

    async def _load_with_lease(self, lease: AsyncExitStack) -> Slot[V]:
        """Load; the lease ends when the others can have it, but no reader waits until then."""
        begun = round(self._wall(), 6)
        slot = await self._load_slot()
        if self._slot is not None and begun < self._loaded_at and self._is_credible(self._loaded_at):
            return self._slot  # the lease was lost, and another process has loaded since
        slot = self._become(slot, begun)
        self._is_put = False
        self._ending = asyncio.create_task(self._end_lease(lease.pop_all()), name=self.name)
        self._own(self._ending)
        return slot

    async def _end_lease(self, lease: AsyncExitStack) -> None:
        async with lease:
            await self._put_latest()

    def _is_credible(self, loaded_at: float) -> bool:
        """Return whether it is not of the future: of a clock that goes wrong, or was set back since."""
        return loaded_at <= self._wall() + CLOCKS_DIFFER_S

    def _is_wanted(self, slot: Slot[V]) -> bool:
        return slot.loaded_at >= self._invalidated_at and self._next_load_at() > self._clock()

    def _become(self, slot: Slot[V], loaded_at: float) -> Slot[V]:
        """Be of this load, with what has been written since it began."""
        self._loaded_at, self._base = loaded_at, slot.value
        since = loaded_at - CLOCKS_DIFFER_S
        self._written = [one for one in self._written if one[0] >= since]
        self._unpublished = [one for one in self._unpublished if one[0] >= since]
        return self._replace(slot, [change for _, change in self._written])

    def _hear(self, change: Change[V], at: float) -> None:
        self._know((at, change))

    def _know(self, written: Written[V]) -> None:
        """Put in what was written, in its place, unless it is known or the load has seen it."""
        is_seen = written[0] < self._loaded_at - CLOCKS_DIFFER_S and self._is_credible(self._loaded_at)
        if is_seen or _is_among(written, self._written):
            return
        insort(self._written, written, key=_AT)
        if self._slot is not None:
            is_last = self._written[-1] is written
            before = self._slot if is_last else replace(self._slot, value=self._base)
            changes = [written] if is_last else self._written
            self._slot = self._changed(before, [change for _, change in changes])
        if len(self._written) > MOST_CHANGES and self._base is not None:
            _, oldest = self._written.pop(0)
            self._base = oldest(self._base)

    async def _take_over(self) -> bool:
        """Take what another process has loaded, unless what is here is newer; and what it knows."""
        async with self._snapshot_lock:
            loaded = await self._shared.newest(self._base)
            if loaded is None or not self._is_credible(loaded.loaded_at):
                return False
            if loaded.loaded_at > self._loaded_at or not self._is_credible(self._loaded_at):
                loaded_at = self._clock() - max(0.0, self._wall() - loaded.loaded_at)
                self._become(self._make_slot(loaded.value, loaded_at, loaded.cost_s), loaded.loaded_at)
                self._counts["taken over"] += 1
            for written in loaded.changes:
                self._know(written)
            is_whole = all(_is_among(written, loaded.changes) for written in self._written)
            self._is_put = loaded.loaded_at == self._loaded_at and (is_whole or not self._unpublished)
        if not self._is_put:
            self._is_to_put.set()
        self._due.set()  # the next load is due later now
        return True

    async def _put_latest(self) -> None:
        """Put a snapshot for the others, with all that they have put meanwhile."""
        for _ in range(PUT_ATTEMPTS):
            if self._is_put or not self._shared.keeps_snapshots or await self._put():
                return
            if not await self._take_over():
                return

    async def _put(self) -> bool:
        async with self._snapshot_lock:
            if self._slot is None:
                return True
            written, self._is_put = tuple(self._written), True
            loaded = Loaded(cast("V", self._base), self._loaded_at, self._slot.cost_s, written)
            if not await self._shared.put(loaded):
                self._is_put = False
            return self._is_put

    async def _publish(self) -> None:
        """Publish what the others have not heard."""
        async with self._publish_lock:
            while self._unpublished:
                first = at, change = self._unpublished[0]
                if not await self._shared.publish(change, at):
                    return
                self._unpublished = [one for one in self._unpublished if one is not first]

    async def _follow(self) -> None:
        """Take over a snapshot that another process has put; publish what could not be, or was lost."""
        await self._is_to_look.wait()
        self._is_to_look.clear()
        await self._take_over()
        if self._shared.losses != self._losses:
            self._losses, self._is_put = self._shared.losses, False
            self._unpublished = list(self._written)
        await self._publish()
        if not self._is_put:
            self._is_to_put.set()

    async def _put_changed(self) -> None:
        """Put a snapshot after a load, and after changes that could not be published."""
        await self._is_to_put.wait()
        self._is_to_put.clear()
        await self._put_latest()


def _is_among(written: Written[V], known: Sequence[Written[V]]) -> bool:
    """Return whether it is among these, which are in the order of their times."""
    first, last = (side(known, written[0], key=_AT) for side in (bisect_left, bisect_right))
    return written in known[first:last]
