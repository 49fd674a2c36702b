"""One cached resource: loaded by one task at a time, refreshed ahead of expiry, stale rather than late.

`alru_cache` over the load, keyed by generation, gives the single flight: all who want the next
generation share one load, and a failed one is forgotten. The value itself lives in a `Slot`, which
no TTL removes. Loads belong to no caller: each waiter awaits a task of its own, so its cancellation
never reaches the load, and the load runs in an empty context.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from contextvars import Context
from typing import Any, Final, Generic, Self, TypeVar

from async_lru import alru_cache

from wisphub_api.cache.shared import Change
from wisphub_api.cache.slot import Forwarded, Policy, Reading, Slot, read_slot, refresh_due, retry_delay
from wisphub_api.cache.state import CacheState, State
from wisphub_api.cache.wish import ANY, Wish, decide, is_good_after_error
from wisphub_api.exceptions import CacheUnavailable, NotFreshEnough, UpstreamError
from wisphub_api.shared.spending import CLOCKS_DIFFER_S
from wisphub_api.shared.tasks import end

V = TypeVar("V")
logger = logging.getLogger(__name__)

MOST_CHANGES: Final = 10_000
"""How many changes are kept for a load that may not have seen them: far more than come during one."""


class Cached(Generic[V]):
    """A value that is loaded at start and kept fresh for as long as the context is open.

    Args:
        name: How operators call it.
        load: Gives the whole value, or raises an `UpstreamError`; never a part of it. Takes the
            value before, None at first.
        policy: How long a value may be used.
        size: Counts the items of a value.
        clock: Seconds on a monotonic clock.
        draw: Random numbers from 0 to 1.
    """

    def __init__(  # noqa: PLR0913  # the last two are for tests, which travel in time
        self,
        name: str,
        load: Callable[[V | None], Awaitable[V]],
        policy: Policy,
        size: Callable[[V], int],
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._load = load
        self._policy = policy
        self._size = size
        self._clock = clock
        self._draw = draw
        self._loads = alru_cache(maxsize=1)(self._load_generation)
        self._generation = 0
        self._slot: Slot[V] | None = None
        self._changes: deque[tuple[float, Change[V]]] = deque(maxlen=MOST_CHANGES)
        self._due = asyncio.Event()
        self._invalidated_at = self._retry_at = float("-inf")
        self._failures = 0
        self._last_error: str | None = None
        counts = ("hits", "misses", "stale", "loads", "good", "failed", "taken over")
        self._counts = dict.fromkeys(counts, 0)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        """Begin to load, without waiting for it."""
        self._begin(self._keep_warm())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop refreshing; a load under way is cancelled."""
        while under_way := [task for task in self._tasks if not task.done()]:
            await end(*under_way)
        await self._loads.cache_close()

    async def read(self, wish: Wish = ANY) -> Reading[V]:
        """Give the value at once, fresh or stale; wait for a load only without one, or where it is wished.

        Raises:
            CacheUnavailable: There is none, and loading failed or takes longer than `cold_wait_s`.
            NotFreshEnough: There is one, but no load brought one that fulfils the wish; or it wished for
                what is in memory, and that does not fulfil it.
        """
        reading = self._peek()
        if reading is not None and wish is ANY:  # the way of nearly all requests
            return self._counted(reading)
        decision = decide(wish, self._policy, reading.age_s if reading else None, self._cost_s())
        if decision == "refuse":
            raise NotFreshEnough(f"No {self.name} as fresh as asked for are in memory.")
        if reading is None or decision == "wait":
            return await self._read_anew(wish, reading)
        return self._counted(reading)

    def peek(self, wish: Wish = ANY) -> Reading[V] | None:
        """Return what `read` returns where it neither waits nor refuses; count it by `count`."""
        reading = self._peek()
        if reading is None or wish is ANY:
            return reading
        decision = decide(wish, self._policy, reading.age_s, self._cost_s())
        return reading if decision == "answer" else None

    def count(self, reading: Reading[V]) -> None:
        """Count an answer from what `peek` has returned."""
        self._counted(reading)

    async def amend(self, change: Change[V]) -> None:
        """Change the value in memory, of every process, and what a load under way will bring; its age stays.

        For what has just been written upstream: a load that began before may have read what was there then.

        Args:
            change: Gives the changed value, quickly: the event loop waits for it. May be called twice.
        """
        self._changes.append((self._clock(), change))
        if self._slot is not None:
            self._slot = self._changed(self._slot, [change])

    async def catch_up(self) -> None:
        """See what other processes have written up to now: here there is none."""

    def invalidate(self) -> None:
        """Load anew at once; what is in memory is given until then."""
        self._invalidated_at = self._retry_at = self._clock()
        self._due.set()

    def state(self) -> CacheState:
        """Describe the cache as it stands."""
        now, slot = self._clock(), self._slot
        return CacheState(
            name=self.name,
            state=_state_of(slot, self._peek()),
            size=self._size(slot.value) if slot else 0,
            age_s=_rounded(now - slot.loaded_at) if slot else None,
            ttl_s=_rounded(slot.loaded_at + self._policy.ttl_s - now) if slot else None,
            hits=self._counts["hits"],
            misses=self._counts["misses"],
            stale_answers=self._counts["stale"],
            loads=self._counts["loads"],
            taken_over=self._counts["taken over"],
            good_loads=self._counts["good"],
            failed_loads=self._counts["failed"],
            last_load_s=_rounded(slot.cost_s) if slot else None,
            last_error=self._last_error,
            next_refresh_s=_rounded(max(0.0, self._next_load_at() - now)),
        )

    def _counted(self, reading: Reading[V]) -> Reading[V]:
        self._counts["stale" if reading.is_stale else "hits"] += 1
        return reading

    def _cost_s(self) -> float:
        return self._slot.cost_s if self._slot else 0.0

    async def _read_anew(self, wish: Wish, before: Reading[V] | None) -> Reading[V]:
        """Wait for the load under way, or a new one; the one under way is never too old (`new_enough`)."""
        try:
            slot = await self._wait_for_load()
        except CacheUnavailable as error:
            return self._after_error(error, wish)
        # What was waited for is given, however short its life is.
        age_s = self._clock() - slot.loaded_at
        self._counts["misses"] += 1
        forwarded: Forwarded = "miss" if before is None else "stale" if before.is_stale else "request"
        return Reading(
            slot.value,
            age_s,
            self._policy.ttl_s - age_s,
            has_waited=True,
            forwarded=forwarded,
            version=slot.version,
        )

    def _after_error(self, error: CacheUnavailable, wish: Wish) -> Reading[V]:
        """Give what is in memory to a reader whose wish allows it."""
        reading = self._peek()
        if reading is None:
            raise error
        if is_good_after_error(wish, self._policy, reading.age_s):
            return self._counted(reading)
        detail = f"What is in memory is older than asked for. {error}"
        raise NotFreshEnough(detail, retry_after_s=error.retry_after_s) from error

    def _peek(self) -> Reading[V] | None:
        return read_slot(self._slot, self._policy, self._clock()) if self._slot else None

    def _next_load_at(self) -> float:
        slot = self._slot
        wanted = float("-inf")
        if slot is not None and slot.loaded_at >= self._invalidated_at:
            wanted = slot.refresh_at
        return max(wanted, self._retry_at)

    async def _keep_warm(self) -> None:
        """Load whenever a load is due, for ever."""
        while True:
            self._due.clear()
            wait_s = self._next_load_at() - self._clock()
            if wait_s > 0:
                with suppress(TimeoutError):  # `wait_for` may lose a cancellation in Python 3.11
                    async with asyncio.timeout(wait_s):
                        await self._due.wait()
            else:
                await asyncio.wait({self._join_load()})

    def _begin(self, *works: Coroutine[Any, Any, None]) -> None:
        for work in works:
            self._own(asyncio.create_task(work, name=self.name))

    def _own(self, task: asyncio.Task[Any] | None) -> None:
        """See to it that the task ends with the context."""
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _join_load(self) -> asyncio.Task[Slot[V]]:
        """Take part in the one load of the next generation, in a task that no caller can cancel."""
        task = asyncio.create_task(self._loads(self._generation + 1), context=Context())
        task.add_done_callback(_mark_as_seen)
        return task

    async def _wait_for_load(self) -> Slot[V]:
        now = self._clock()
        if now < self._retry_at:
            raise self._unavailable(self._retry_at - now)
        load = self._join_load()
        done, _ = await asyncio.wait({load}, timeout=self._policy.cold_wait_s)
        if not done:
            raise CacheUnavailable(f"The {self.name} are still being loaded.", retry_after_s=1)
        if load.cancelled() or load.exception() is not None:
            raise self._unavailable(self._retry_at - self._clock())
        return self._slot or load.result()  # amended meanwhile, perhaps

    def _unavailable(self, retry_after_s: float) -> CacheUnavailable:
        why = self._last_error or "The service is stopping."
        detail = f"The {self.name} could not be loaded from WispHub Net: {why}"
        return CacheUnavailable(detail, retry_after_s=max(retry_after_s, 1))

    async def _load_generation(self, generation: int) -> Slot[V]:
        """Load once; on success the new slot takes the old one's place in one assignment."""
        self._own(asyncio.current_task())
        try:
            slot = await self._load_once()
        except Exception as error:
            self._note_failure(error)
            raise
        self._generation = generation
        return slot

    async def _load_once(self) -> Slot[V]:
        return self._replace(await self._load_slot())

    async def _load_slot(self) -> Slot[V]:
        """Give what was loaded, as it is."""
        begun = self._clock()
        self._counts["loads"] += 1
        value = await self._load(self._slot.value if self._slot else None)
        cost_s = self._clock() - begun
        self._counts["good"] += 1
        logger.info("%s loaded: %d in %.2f s", self.name, self._size(value), cost_s)
        return self._make_slot(value, begun, cost_s)

    def _make_slot(self, value: V, loaded_at: float, cost_s: float) -> Slot[V]:
        due = refresh_due(loaded_at, cost_s, self._policy.ttl_s, self._draw())
        before = self._slot
        if before is not None and before.value is value:  # answers made from it still hold
            return Slot(value, loaded_at, cost_s, due, before.version)
        return Slot(value, loaded_at, cost_s, due)

    def _replace(self, slot: Slot[V], changes: Iterable[Change[V]] | None = None) -> Slot[V]:
        """Take what was loaded, and what has been written since that load began, or these changes."""
        since = slot.loaded_at - CLOCKS_DIFFER_S
        self._changes = deque(((at, change) for at, change in self._changes if at >= since), MOST_CHANGES)
        if changes is None:
            changes = (change for _, change in self._changes)
        self._slot = self._changed(slot, changes)
        self._failures, self._last_error = 0, None
        return self._slot

    def _changed(self, slot: Slot[V], changes: Iterable[Change[V]]) -> Slot[V]:
        value = slot.value
        for change in changes:
            try:
                value = change(value)
            except Exception:  # what cannot be changed must still be given and loaded anew
                logger.exception("%s: a change could not be made", self.name)
        return slot.holding(value)

    def _note_failure(self, error: Exception) -> None:
        """Count it and set the time of the next try; a bug must not stop the refreshing either."""
        self._failures += 1
        self._counts["failed"] += 1
        is_upstream = isinstance(error, UpstreamError)
        self._last_error = str(error) if is_upstream else f"internal error ({type(error).__name__})"
        wish_s = error.retry_after_s if isinstance(error, UpstreamError) else None
        delay_s = retry_delay(self._failures, self._policy.ttl_s, self._draw(), wish_s)
        self._retry_at = self._clock() + delay_s
        told = (self.name, delay_s, self._last_error)
        bug = None if is_upstream else error
        logger.warning("%s not loaded, next try in %.1f s: %s", *told, exc_info=bug)


def _state_of(slot: Slot[V] | None, reading: Reading[V] | None) -> State:
    if slot is None:
        return "cold"
    if reading is None:
        return "expired"
    return "stale" if reading.is_stale else "fresh"


def _mark_as_seen(task: asyncio.Task[Slot[V]]) -> None:
    """Take the exception, so that asyncio does not report it as lost when the waiter has gone."""
    if not task.cancelled():
        task.exception()


def _rounded(seconds: float) -> float:
    return round(seconds, 3)
