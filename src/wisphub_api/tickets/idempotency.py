"""The idempotency store: a request with an `Idempotency-Key` is carried out once; a repeat gets its answer.

See draft-ietf-httpapi-idempotency-key-header, section 2. A key's record goes through these states:

- none: the key is new, or its request failed with nothing done. The request is carried out.
- a digest: a process is about to carry the request out, or died before it sent anything.
- a digest and what was begun: the ticket may have been opened, as no answer has arrived or the process has
  died. A repeat looks for the ticket before it opens one.
- a digest and an answer: a repeat gets this answer, for a day.

A process that works on a key has its lease. In every state the digest refuses another request with that key.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextvars import Context
from hashlib import sha256
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from wisphub_api.exceptions import InvalidRequest, UpstreamUncertain, WispHubAPIError
from wisphub_api.shared.backend import Backend, Lease, digested
from wisphub_api.tickets.models import Ticket, TicketOrder, TicketRequest

KEEP_S: Final = 86_400.0
LONGEST_S: Final = 110.0
"""How long a request may take."""
LEASE_S: Final = 120.0
"""Longer than that: a process that still has a key's lease then has died."""
WAIT_S: Final = 30.0
"""How long a request waits for the same request in another process."""
RETRY_EVERY_S: Final = 0.2
KEY_PATTERN: Final = r"^[\x21-\x7e]{1,255}$"


class Begun(Struct, frozen=True):
    """A ticket that may have been opened.

    Attributes:
        order: What was sent to WispHub Net, or was about to be.
        doubted_at: When its answer was abandoned, or will be at the latest, in seconds since the epoch.
    """

    order: TicketOrder
    doubted_at: float


SaveBegun = Callable[[Begun], Awaitable[None]]


class Operation(Protocol):
    """An operation that opens a ticket once, or looks for the one that has been begun."""

    def __call__(self, save: SaveBegun, begun: Begun | None, /) -> Awaitable[Ticket]:
        """Open the ticket; call `save` before each step that may open it."""
        ...


class _Record(Struct, frozen=True):
    """The state of a key: the request's digest, and what has been done."""

    request: str
    begun: Begun | None = None
    answer: Ticket | None = None


class _Running(Struct, frozen=True):
    request: str
    task: asyncio.Task[Ticket]


class IdempotencyStore:
    """The requests of the last day by their keys, each carried out once, in whichever task or process.

    The key of a request that failed with nothing done is free again. Of a request whose outcome is uncertain,
    or whose process has died, the store has what was begun.

    Args:
        backend: Where they are recorded.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._running: dict[str, _Running] = {}

    async def run_once(self, name: tuple[str, str], request: TicketRequest, operation: Operation) -> Ticket:
        """Carry the request out, or return the answer to an earlier one; wait for one that is in progress.

        Args:
            name: The caller and the caller's key.
            request: The request; compared with the earlier one.
            operation: Carries it out; it receives what was begun earlier, if anything.

        Raises:
            InvalidRequest: The key is malformed, or belongs to another request.
            UpstreamUncertain: The outcome is unknown, or not known yet.
            WispHubAPIError: As raised by `operation`.
        """
        _check(key=name[1])
        key, digest = digested("first-answer", *name), sha256(msgspec.json.encode(request)).hexdigest()
        running = self._running.get(key)
        if running is None:
            # In its own task: a caller who disconnects must not leave the outcome unknown.
            task = asyncio.create_task(self._carry_out(key, digest, operation), context=Context())
            running = self._running[key] = _Running(digest, task)
            task.add_done_callback(lambda _: self._running.pop(key))
        _refuse_another(digest, running.request)
        return await asyncio.shield(running.task)

    async def _carry_out(self, key: str, digest: str, operation: Operation) -> Ticket:
        """Carry it out under the key's lease, so that no other process does."""
        lease = await self._lease(key, digest)
        try:
            record = await self._read(key, digest)
            return record.answer or await self._do(key, record, operation)
        finally:
            await self._backend.release(lease)

    async def _lease(self, key: str, digest: str) -> Lease:
        """Wait for the lease, while another process works on this key."""
        for _ in range(round(WAIT_S / RETRY_EVERY_S)):
            lease = await self._backend.lease(key, LEASE_S)
            if lease is not None:
                return lease
            await self._read(key, digest)  # refuses another request at once
            await asyncio.sleep(RETRY_EVERY_S)
        raise UpstreamUncertain("This request is still being carried out: ask again for its outcome.")

    async def _do(self, key: str, record: _Record, operation: Operation) -> Ticket:
        async def save(begun: Begun) -> None:
            await self._write(key, _Record(record.request, begun))

        await self._write(key, record)
        try:
            async with asyncio.timeout(LONGEST_S):
                ticket = await operation(save, record.begun)
        except TimeoutError:
            detail = "This request could not be carried out in time: ask again for its outcome."
            raise UpstreamUncertain(detail) from None
        except UpstreamUncertain:
            raise
        except WispHubAPIError:
            await self._backend.delete(key)
            raise
        await self._write(key, _Record(record.request, answer=ticket))
        return ticket

    async def _read(self, key: str, digest: str) -> _Record:
        """Return the state of a key; for a new key, this request's digest."""
        stored = await self._backend.get(key)
        record = _Record(digest) if stored is None else _decode(stored)
        _refuse_another(digest, record.request)
        return record

    async def _write(self, key: str, record: _Record) -> None:
        await self._backend.put(key, msgspec.json.encode(record), KEEP_S)


HEADER: Final = "Idempotency-Key"


def _decode(stored: bytes) -> _Record:
    try:
        return msgspec.json.decode(stored, type=_Record)
    except msgspec.MsgspecError:
        detail = "What became of this request was recorded by another release, which this one cannot read."
        raise UpstreamUncertain(detail) from None  # the error may contain the record's content


def _refuse_another(digest: str, before: str) -> None:
    if digest != before:
        detail = f"`{HEADER}` came with another request before: a new request needs a new one."
        raise InvalidRequest(detail, field=HEADER)


def _check(key: str) -> None:
    if not re.fullmatch(KEY_PATTERN, key):
        raise InvalidRequest(f"`{HEADER}` is 1 to 255 visible ASCII characters.", field=HEADER)
