"""WispHub Net over HTTP: one client for the app's life, which owns time-outs, retries and errors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final, Self, TypeVar

import httpx
import stamina
from msgspec import Struct

from wisphub_api.exceptions import UpstreamError, UpstreamFailed, UpstreamRateLimited, UpstreamRefused
from wisphub_api.settings import Settings
from wisphub_api.upstream.breaker import Breaker
from wisphub_api.upstream.budget import Budget, Urgency
from wisphub_api.upstream.failures import refusal, translate, uncertainty
from wisphub_api.upstream.paging import Fetch, Sink, crawl
from wisphub_api.upstream.wire import Page, PageReader

T = TypeVar("T")
S = TypeVar("S", bound=Sink[Any])


class Content(Struct, frozen=True, kw_only=True):
    """What a write sends: JSON, or the fields of a form."""

    json: Any = None
    form: Mapping[str, str] = {}


logger = logging.getLogger(__name__)

ATTEMPTS: Final = 4
LONGEST_WAIT_S: Final = 10.0
"""A longer `Retry-After` is not waited for within a load: the load fails and comes back by then."""
CRAWL_DEADLINE: Final = 3.0
"""In time-outs of one call: after it, no new try of a crawl's page begins."""
PERSON_DEADLINE: Final = 1.5
"""Likewise, but then it ends: a person waits for one that hangs and half another, no longer."""
_LARGE_BYTES: Final = 64 << 10
"""To decode more takes long enough to be kept off the event loop."""
NO_FILTERS: Final[Mapping[str, int]] = {}


class UpstreamCall(Struct, frozen=True):
    """One try of one call, as it ended.

    Attributes:
        path: What was asked for, with the names of ids in place of them: `/api/tasks/{task_id}/`.
        outcome: "ok", or the name of the error.
        elapsed_s: From sending to the answer, read and decoded; waiting for a permit left out.
    """

    path: str
    outcome: str
    elapsed_s: float


def _ignore(_: UpstreamCall) -> None: ...


class WispHubNet:
    """Calls to WispHub Net, as an async context; safe to share between tasks.

    Reads are safe to repeat: each is tried again on time-outs, hang-ups, 429, 5xx and answers that cannot be
    read. Writes are sent once.
    At most `net_concurrency` are under way at once, whoever asks, and at most `net_rate_per_s` begin a
    second; a person's call goes before a crawl's. While WispHub Net is down, one call at a time finds out
    whether it is back, and the others are refused at once.

    Args:
        settings: Host, key, concurrency and time-out.
        transport: Stands in for the network in tests.
        observe: Called with each try when it has ended; must not raise.
    """

    def __init__(
        self,
        settings: Settings,
        transport: httpx.AsyncBaseTransport | None = None,
        observe: Callable[[UpstreamCall], None] = _ignore,
    ) -> None:
        limit = settings.net_concurrency
        # As many permits as connections: nobody waits inside the pool, where a cancelled waiter leaks a slot.
        self.budget = Budget(limit, settings.net_rate_per_s)
        self.breaker = Breaker()
        self._observe = observe
        self._timeout_s = settings.net_timeout_s
        self._http = httpx.AsyncClient(
            base_url=settings.net_host,
            headers={"Authorization": f"Api-Key {settings.net_key.reveal()}", "Accept": "application/json"},
            timeout=settings.net_timeout_s,
            limits=httpx.Limits(max_connections=limit, max_keepalive_connections=limit),
            transport=transport,
        )
        self._decoding = asyncio.Lock()  # more threads at once would keep the event loop waiting longer

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def crawl(
        self,
        path: str,
        read: PageReader[Any, T],
        key: Callable[[T], int],
        *,
        filters: Mapping[str, int] = NO_FILTERS,
        urgency: Urgency = Urgency.NEEDED,
    ) -> list[T]:
        """Read a list page by page, or raise: never a part of it. Of rows with one key the last is kept."""
        rows = await self.crawl_into(list[T], path, read, key, filters=filters, urgency=urgency)
        return list({key(row): row for row in rows}.values())

    async def crawl_into(  # noqa: PLR0913  # as `crawl`, and where to
        self,
        sink: Callable[[], S],
        path: str,
        read: PageReader[Any, T],
        key: Callable[[T], int],
        *,
        filters: Mapping[str, int] = NO_FILTERS,
        urgency: Urgency = Urgency.NEEDED,
    ) -> S:
        """Read a list as `crawl` does, every row into a sink; return the last of the sinks that are made."""
        rows, tally = await crawl(sink, self._pages(path, read, filters, urgency), key)
        if tally.set_aside:
            logger.warning("%s: %d rows without a usable id set aside", path, tally.set_aside)
        return rows

    def _pages(
        self, path: str, read: PageReader[Any, T], filters: Mapping[str, int], urgency: Urgency
    ) -> Fetch[T]:
        """Return what reads one page of a list."""

        async def page(offset: int, limit: int) -> Page[T]:
            return await self.read(path, {**filters, "offset": offset, "limit": limit}, read, urgency=urgency)

        return page

    async def read(
        self,
        path: str,
        params: Mapping[str, str | int],
        read: Callable[[bytes], T],
        *,
        urgency: Urgency = Urgency.INTERACTIVE,
        **ids: int | str,
    ) -> T:
        """Ask until an answer can be read, within the attempts and the deadline; `ids` fill the path.

        A person's read ends at a deadline whatever happens; a crawl's page only begins no new try after its.
        """
        request = self._http.build_request("GET", path.format(**ids), params=dict(params))
        is_awaited = urgency is Urgency.INTERACTIVE
        failure: UpstreamError | None = None
        try:
            async with asyncio.timeout(PERSON_DEADLINE * self._timeout_s if is_awaited else None):
                async for attempt in _attempts(deadline_s=CRAWL_DEADLINE * self._timeout_s):
                    with attempt:
                        try:
                            async with self._allowed(path, urgency) as call:
                                body = await self._send(request, path)
                                await call.aclose()  # while this page is decoded the next may be sent
                                return await self._decoded(body, read)
                        except UpstreamError as error:
                            failure = error
                            raise
        except TimeoutError as error:
            if failure is not None:  # the next try was waited for, or hung
                raise failure from failure.__cause__
            raise translate(error, path) from error
        raise AssertionError

    async def write(
        self, method: str, path: str, content: Content, read: Callable[[bytes], T], **ids: int | str
    ) -> T:
        """Send a request that changes something, once; `ids` fill the path.

        Raises:
            UpstreamUncertain: It may have been done: the answer did not come, or could not be read.
            UpstreamError: It was not done.
        """
        form = {name: (None, value) for name, value in content.form.items()}  # multipart, as browsers send it
        request = self._http.build_request(method, path.format(**ids), json=content.json, files=form or None)
        async with self._allowed(path, Urgency.INTERACTIVE):
            with uncertainty(path):
                return read(await self._send(request, path))

    @asynccontextmanager
    async def _allowed(self, path: str, urgency: Urgency) -> AsyncIterator[AsyncExitStack]:
        """Let a call begin when it may, and observe how it ends; closing the stack frees its permit early."""
        self._refuse_long_pause(urgency)
        with self.breaker.watching():
            async with AsyncExitStack() as call:
                await call.enter_async_context(self.budget.permit(urgency))
                with self._observed(path):
                    yield call

    def _refuse_long_pause(self, urgency: Urgency) -> None:
        """Refuse a person's call at once where WispHub Net will take none for longer than one may last."""
        pauses_s = self.budget.state().pauses_s
        if urgency is Urgency.INTERACTIVE and pauses_s > self._timeout_s:
            raise UpstreamRateLimited("WispHub Net is asked too often (429)", retry_after_s=pauses_s)

    @contextmanager
    def _observed(self, path: str) -> Iterator[None]:
        """Observe how a try of this call ends; one that is cancelled does not end."""
        begun = perf_counter()
        try:
            yield
        except UpstreamError as error:
            self._observe(UpstreamCall(path, type(error).__name__, perf_counter() - begun))
            raise
        self._observe(UpstreamCall(path, "ok", perf_counter() - begun))

    async def _decoded(self, body: bytes, read: Callable[[bytes], T]) -> T:
        if len(body) < _LARGE_BYTES:
            return read(body)
        async with self._decoding:
            return await asyncio.to_thread(read, body)

    async def _send(self, request: httpx.Request, path: str) -> bytes:
        try:
            async with asyncio.timeout(self._timeout_s):  # httpx's own starts anew with every byte
                response = await self._http.send(request)
        except (TimeoutError, httpx.HTTPError) as error:
            raise translate(error, path) from error
        if not response.is_success:
            refused = refusal(response.status_code, response.headers, path)
            if isinstance(refused, UpstreamRateLimited):
                self.budget.refused(refused.retry_after_s)
            raise refused
        return response.content


def _attempts(deadline_s: float) -> AsyncIterator[stamina.Attempt]:
    """Return the attempts of one call that is safe to repeat; no new one begins after `deadline_s`.

    Nor is one waited for that long: the load fails then, and the next, whose answer is younger, is in time.
    """
    now = asyncio.get_running_loop().time
    ends_at = now() + deadline_s

    def backoff(error: Exception) -> bool | float:
        wait = _backoff_for(error)
        is_too_long = not isinstance(wait, bool) and now() + wait > ends_at
        return False if is_too_long else wait

    return stamina.retry_context(
        on=backoff,
        attempts=ATTEMPTS,
        timeout=deadline_s,
        wait_initial=0.2,
        wait_max=LONGEST_WAIT_S,
        wait_jitter=0.3,
    ).__aiter__()


def _backoff_for(error: Exception) -> bool | float:
    """Decide on another try: no, yes with exponential backoff, or yes after so many seconds."""
    if isinstance(error, UpstreamFailed) and error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return False
    if isinstance(error, UpstreamError) and error.retry_after_s is not None:
        return error.retry_after_s if error.retry_after_s <= LONGEST_WAIT_S else False
    return isinstance(error, UpstreamError) and not isinstance(error, UpstreamRefused)
