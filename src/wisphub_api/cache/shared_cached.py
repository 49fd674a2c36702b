"""A cached resource that several processes share: one of them loads it at a time, the others take it over."""

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
from wisphub_api.cache.shared import Change, Copy, Shared, Written
from wisphub_api.cache.slot import Policy, Slot
from wisphub_api.fleet.spending import CLOCKS_DIFFER_S
from wisphub_api.fleet.tasks import for_ever

V = TypeVar("V")

ASK_FOR_TURN_S: Final = 0.5
"""How often a process that waits for another's load asks whether that one has given up."""
LEAVE_ATTEMPTS: Final = 5
LEAVE_AT_END_S: Final = 1.0
_AT: Final = itemgetter(0)


class SharedCached(Cached[V]):
    """A value that is loaded by one process at a time, for all.

    Args:
        name: How operators call it.
        load: Gives the whole value, or raises an `UpstreamError`.
        policy: How long a value may be used.
        size: Counts the items of a value.
        shared: Where other processes' values are found and its own are left.
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
        self._there_may_be_a_copy, self._is_to_be_left = asyncio.Event(), asyncio.Event()
        self._copying, self._telling = asyncio.Lock(), asyncio.Lock()
        self._loaded_at = float("-inf")
        self._is_left = True
        self._losses = 0
        self._ending: asyncio.Task[None] | None = None
        self._base: V | None = None
        """What was loaded; the value is this with all that is in `_written`, in its order."""
        self._written: list[Written[V]] = []
        self._untold: list[Written[V]] = []

    async def __aenter__(self) -> Self:
        """Take over what another process has loaded, and begin to load, without waiting for it."""
        self._shared.listen(self._hear, self._there_may_be_a_copy.set)
        await self._take_over()
        self._begin(
            for_ever(self._follow, f"{self.name} of others"),
            for_ever(self._leave_changed, f"{self.name} for others"),
        )
        return await super().__aenter__()

    async def __aexit__(self, *_: object) -> None:
        """Leave what the others do not have, unless that takes long, and stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_AT_END_S):
                if self._ending is not None:
                    await asyncio.wait({self._ending})
                async with self._copying:  # one may be on its way
                    pass
                if not self._is_left:
                    await self._leave()
        await super().__aexit__()

    async def amend(self, change: Change[V]) -> None:
        """Change the value in memory, of every process."""
        written = round(self._wall(), 6), change
        self._know(written)
        self._untold.append(written)
        try:
            await self._tell()
        finally:  # whose request is cut off has written all the same
            if self._untold:
                self._is_left = False
                self._is_to_be_left.set()
        if not self._shared.tells:  # the others see it by the copy alone: now, not soon
            await self._leave()

    async def catch_up(self) -> None:
        """See what other processes have written up to now."""
        await self._shared.catch_up()
        if not self._shared.tells:
            await self._take_over()

    async def _load_once(self) -> Slot[V]:
        """Load once, or take over what another process loads meanwhile."""
        before = self._loaded_at
        while True:
            async with AsyncExitStack() as turn:
                is_ours = await turn.enter_async_context(self._shared.turn())
                await self._take_over()
                if self._slot is not None and self._loaded_at > before and self._is_wanted(self._slot):
                    return self._slot
                if is_ours:
                    return await self._load_in_turn(turn)
            with suppress(TimeoutError):
                async with asyncio.timeout(ASK_FOR_TURN_S):
                    await self._there_may_be_a_copy.wait()

    async def _load_in_turn(self, turn: AsyncExitStack) -> Slot[V]:
        """Load; the turn ends when the others can have it, but no reader waits until then."""
        begun = round(self._wall(), 6)
        slot = await self._load_slot()
        if self._slot is not None and begun < self._loaded_at and self._is_credible(self._loaded_at):
            return self._slot  # the turn was lost, and another process has loaded since
        slot = self._become(slot, begun)
        self._is_left = False
        self._ending = asyncio.create_task(self._end_turn(turn.pop_all()), name=self.name)
        self._own(self._ending)
        return slot

    async def _end_turn(self, turn: AsyncExitStack) -> None:
        async with turn:
            await self._leave()

    def _is_credible(self, loaded_at: float) -> bool:
        """Tell whether it is not of the future: of a clock that goes wrong, or was set back since."""
        return loaded_at <= self._wall() + CLOCKS_DIFFER_S

    def _is_wanted(self, slot: Slot[V]) -> bool:
        return slot.loaded_at >= self._invalidated_at and self._next_load_at() > self._clock()

    def _become(self, slot: Slot[V], loaded_at: float) -> Slot[V]:
        """Be of this load, with what has been written since it began."""
        self._loaded_at, self._base = loaded_at, slot.value
        since = loaded_at - CLOCKS_DIFFER_S
        self._written = [one for one in self._written if one[0] >= since]
        self._untold = [one for one in self._untold if one[0] >= since]
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
        async with self._copying:
            copy = await self._shared.newest(self._base)
            if copy is None or not self._is_credible(copy.loaded_at):
                return False
            if copy.loaded_at > self._loaded_at or not self._is_credible(self._loaded_at):
                loaded_at = self._clock() - max(0.0, self._wall() - copy.loaded_at)
                self._become(self._make_slot(copy.value, loaded_at, copy.cost_s), copy.loaded_at)
                self._counts["taken over"] += 1
            for written in copy.changes:
                self._know(written)
            is_whole = all(_is_among(written, copy.changes) for written in self._written)
            is_told = self._shared.tells and not self._untold
            self._is_left = copy.loaded_at == self._loaded_at and (is_whole or is_told)
        if not self._is_left:
            self._is_to_be_left.set()
        self._due.set()  # the next load is due later now
        return True

    async def _leave(self) -> None:
        """Leave a copy for the others, with all that they have left meanwhile."""
        for _ in range(LEAVE_ATTEMPTS):
            if self._is_left or not self._shared.is_reachable or await self._put():
                return
            if not await self._take_over():
                return

    async def _put(self) -> bool:
        async with self._copying:
            if self._slot is None:
                return True
            written, self._is_left = tuple(self._written), True
            copy = Copy(cast("V", self._base), self._loaded_at, self._slot.cost_s, written)
            if not await self._shared.put(copy):
                self._is_left = False
            elif not self._shared.tells:
                self._untold = [one for one in self._untold if not _is_among(one, written)]
            return self._is_left

    async def _tell(self) -> None:
        """Tell the others what they do not know."""
        async with self._telling:
            while self._untold:
                first = at, change = self._untold[0]
                if not await self._shared.tell(change, at):
                    return
                self._untold = [one for one in self._untold if one is not first]

    async def _follow(self) -> None:
        """Take over a copy that another process leaves; tell what could not be told, or was lost."""
        await self._there_may_be_a_copy.wait()
        self._there_may_be_a_copy.clear()
        await self._take_over()
        if self._shared.losses != self._losses:
            self._losses, self._is_left = self._shared.losses, False
            self._untold = list(self._written)
        await self._tell()
        if not self._is_left:
            self._is_to_be_left.set()

    async def _leave_changed(self) -> None:
        """Leave a new copy after changes that could not be told otherwise."""
        await self._is_to_be_left.wait()
        self._is_to_be_left.clear()
        await self._leave()


def _is_among(written: Written[V], known: Sequence[Written[V]]) -> bool:
    """Tell whether it is among these, which are in the order of their times."""
    first, last = (side(known, written[0], key=_AT) for side in (bisect_left, bisect_right))
    return written in known[first:last]
