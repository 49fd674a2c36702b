"""The way to Redis: bounded in time, given up while Redis is in trouble, taken up again when it is well."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any, Final, Self, TypeVar

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, OutOfMemoryError

from wisphub_api.shared.backend import LinkState
from wisphub_api.shared.tasks import end

T = TypeVar("T")
logger = logging.getLogger(__name__)

ANSWER_S: Final = 0.1
"""How long Redis may take for what a request waits for: a request is answered without it then."""
UNHURRIED_S: Final = 2.0
"""How long it may take for what no request of a consumer waits for, or one that takes long anyhow."""
PROBE_S: Final = 0.3
"""How long for what shows whether one that came too late was an accident."""
COPY_S: Final = 5.0
"""How long it may take for a whole copy."""
CONNECT_S: Final = 1.0
"""How long a new connection may take to be there."""
CONNECTIONS: Final = 32
LATE_S: Final = 0.05
"""A time-out that comes so late tells of a busy process, not of a slow Redis."""
FIRST_TRY_S: Final = 1.0
LONGEST_TRY_S: Final = 15.0
"""Until Redis is tried again: soon at first, then ever later, so that one that comes and goes rests."""
STEADY_S: Final = 60.0
"""After so long without trouble the next trouble is the first again."""


class Degraded(Exception):
    """Redis cannot be asked at the moment."""


class RedisLink:
    """Connections to one Redis, as an async context; opening it never fails.

    Args:
        url: Of Redis; holds its password, so it is never shown.
        answer_s: How long Redis may take for what a request waits for.
        clock: Seconds on a monotonic clock.
    """

    def __init__(
        self, url: str, answer_s: float = ANSWER_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        pool = ConnectionPool.from_url(
            url,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=None,  # `ask` has its own; the library's may lose a cancellation in Python 3.11
            protocol=2,  # answers of one shape, whatever the server's version
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis.from_pool(pool)
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._answer_s = answer_s
        self._clock = clock
        self._why: str | None = None
        self._troubles = 0
        self._next_try_s = FIRST_TRY_S
        self._well_since = clock()
        self._healer: asyncio.Task[None] | None = None
        self._returned: list[Callable[[], Awaitable[None]]] = []

    async def __aenter__(self) -> Self:
        """Find out whether Redis is there."""
        try:
            await self.ask(_try_to_write, within_s=UNHURRIED_S)
        except Degraded:
            return self
        logger.info("Redis is shared with other processes")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ask nothing more, wait for the answers that are under way, and close every connection."""
        if self._healer is not None:
            await end(self._healer)
        self._why = "this process ends"
        for _place in range(CONNECTIONS):  # who still asks has one of the places, and its time is bounded
            await self._places.acquire()
        await self._redis.aclose()

    def on_return(self, call: Callable[[], Awaitable[None]]) -> None:
        """Call this whenever Redis is back."""
        self._returned.append(call)

    def state(self) -> LinkState:
        """Tell how it stands."""
        return LinkState("together" if self._why is None else "alone", self._why, self._troubles)

    async def ask(self, question: Callable[[Redis], Awaitable[T]], within_s: float | None = None) -> T:
        """Ask Redis, within a time; that which a request may wait, where none is given.

        Raises:
            Degraded: It does not answer, now or lately; or it cannot do what it is asked; or this process had
                no time to ask it.
        """
        if self._why is not None:
            raise Degraded(self._why)
        is_asked = False
        try:
            async with asyncio.timeout(within_s or self._answer_s) as limit, self._places:
                is_asked = True
                return await question(self._redis)
        except Exception as error:  # whatever it is, a request is answered without Redis
            why = describe(error)
            if is_asked and not (isinstance(error, TimeoutError) and _is_late(limit)):
                self._go_alone(why)
            raise Degraded(why) from error

    def _go_alone(self, why: str) -> None:
        if self._why is None:
            self._why = why
            self._healer = asyncio.create_task(self._heal(), name="wait for Redis", context=Context())

    async def _heal(self) -> None:
        """Make sure that there is trouble; then try until Redis takes what it is given."""
        if not await self._is_well():
            await self._wait_until_well()
        for call in self._returned:
            await call()

    async def _wait_until_well(self) -> None:
        self._troubles += 1
        if self._clock() - self._well_since > STEADY_S:
            self._next_try_s = FIRST_TRY_S
        logger.error("going on without Redis: %s", self._why)
        while True:
            await asyncio.sleep(self._next_try_s)
            self._next_try_s = min(2 * self._next_try_s, LONGEST_TRY_S)
            if await self._is_well():
                break
        self._well_since = self._clock()
        logger.warning("Redis is back: shared with other processes again")

    async def _is_well(self) -> bool:
        """Try on a connection that was not there before: those may be dead."""
        try:
            async with asyncio.timeout(PROBE_S):
                await self._redis.connection_pool.disconnect(inuse_connections=False)
                await _try_to_write(self._redis)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is tried again
            self._why = describe(error)
            return False
        self._why = None
        return True


def _is_late(limit: asyncio.Timeout) -> bool:
    return asyncio.get_running_loop().time() - (limit.when() or 0.0) > LATE_S


async def _try_to_write(redis: Redis) -> None:
    await redis.set("wisphub-api:probe", b"1", px=10_000)


def describe(error: Exception) -> str:
    """Say what is wrong with Redis, without what it was asked."""
    kinds: dict[type[Exception], str] = {
        AuthenticationError: "it does not accept the password of WISPHUB_API_REDIS_URL",
        NoPermissionError: "its user may not do what is needed",
        OutOfMemoryError: "it is full",
        TimeoutError: "it does not answer in time",
        OSError: "it cannot be reached",
    }
    found = (
        text for kind, text in kinds.items() if isinstance(error, kind) or isinstance(error.__cause__, kind)
    )
    return next(found, _otherwise(error))


def _otherwise(error: Any) -> str:
    """redis-py's time-outs and broken connections are of its own kinds; the rest is Redis' own answer."""
    name = type(error).__name__
    if "Timeout" in name:
        return "it does not answer in time"
    return "it cannot be reached" if "Connection" in name else f"it refuses ({name})"
