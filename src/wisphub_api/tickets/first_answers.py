"""The first answer to a request that must not be carried out twice, given again to whoever repeats it.

What `Idempotency-Key` asks for: see draft-ietf-httpapi-idempotency-key-header, section 2.
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
"""How long a request may be carried out for."""
LEASE_S: Final = 120.0
"""Longer: who still holds a key after that has died."""
WAIT_S: Final = 30.0
"""How long a request waits for the same one in another process."""
LOOK_EVERY_S: Final = 0.2
KEY_PATTERN: Final = r"^[\x21-\x7e]{1,255}$"


class Begun(Struct, frozen=True):
    """A ticket that may have been opened.

    Attributes:
        order: What WispHub Net was told, or was about to be told.
        doubted_at: When its answer was given up, or will have been at the latest, in seconds since the epoch.
    """

    order: TicketOrder
    doubted_at: float


Remember = Callable[[Begun], Awaitable[None]]


class Act(Protocol):
    """Opens a ticket, once; or looks for the one that has been begun."""

    def __call__(self, remember: Remember, begun: Begun | None, /) -> Awaitable[Ticket]:
        """Open it, and have remembered what was begun before it is."""
        ...


class _Record(Struct, frozen=True):
    """What is known of a key: the request's digest, and how far it has come."""

    request: str
    begun: Begun | None = None
    answer: Ticket | None = None


class _Running(Struct, frozen=True):
    request: str
    task: asyncio.Task[Ticket]


class FirstAnswers:
    """Carries out each request once per key, whichever task or process it comes to.

    It knows of a day's requests. One that failed with nothing done is forgotten: its key is free again. Of
    one whose outcome is uncertain, or whose process has died, it knows what was begun.

    Args:
        backend: Where they are noted.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._running: dict[str, _Running] = {}

    async def give(self, name: tuple[str, str], request: TicketRequest, act: Act) -> Ticket:
        """Carry the request out, or give the answer to the one before; wait for one that is under way.

        Args:
            name: The caller and the caller's key.
            request: What is asked; compared with the one before.
            act: Carries it out; it is told what was begun before, if anything.

        Raises:
            InvalidRequest: The key is no key, or came with another request before.
            UpstreamUncertain: How it went is not known, or is not known yet.
            WispHubAPIError: What `act` raises.
        """
        _check(key=name[1])
        key, digest = digested("first-answer", *name), sha256(msgspec.json.encode(request)).hexdigest()
        running = self._running.get(key)
        if running is None:
            # In a task of its own: a caller that goes away must not leave the outcome unknown.
            task = asyncio.create_task(self._carry_out(key, digest, act), context=Context())
            running = self._running[key] = _Running(digest, task)
            task.add_done_callback(lambda _: self._running.pop(key))
        _refuse_another(digest, running.request)
        return await asyncio.shield(running.task)

    async def _carry_out(self, key: str, digest: str, act: Act) -> Ticket:
        """Do it alone among all processes."""
        lease = await self._turn(key, digest)
        try:
            record = await self._read(key, digest)
            return record.answer or await self._do(key, record, act)
        finally:
            await self._backend.release(lease)

    async def _turn(self, key: str, digest: str) -> Lease:
        """Wait until no other process is at it."""
        for _ in range(round(WAIT_S / LOOK_EVERY_S)):
            lease = await self._backend.lease(key, LEASE_S)
            if lease is not None:
                return lease
            await self._read(key, digest)  # refuses another request at once
            await asyncio.sleep(LOOK_EVERY_S)
        raise UpstreamUncertain("This request is still being carried out: ask again for its outcome.")

    async def _do(self, key: str, record: _Record, act: Act) -> Ticket:
        async def remember(begun: Begun) -> None:
            await self._write(key, _Record(record.request, begun))

        await self._write(key, record)
        try:
            async with asyncio.timeout(LONGEST_S):
                ticket = await act(remember, record.begun)
        except TimeoutError:
            told = "This request could not be carried out in time: ask again for its outcome."
            raise UpstreamUncertain(told) from None
        except UpstreamUncertain:
            raise
        except WispHubAPIError:
            await self._backend.delete(key)
            raise
        await self._write(key, _Record(record.request, answer=ticket))
        return ticket

    async def _read(self, key: str, digest: str) -> _Record:
        """Give what is known of a key; of a new one this request's digest."""
        note = await self._backend.get(key)
        record = _Record(digest) if note is None else _decode(note)
        _refuse_another(digest, record.request)
        return record

    async def _write(self, key: str, record: _Record) -> None:
        await self._backend.put(key, msgspec.json.encode(record), KEEP_S)


HEADER: Final = "Idempotency-Key"


def _decode(note: bytes) -> _Record:
    try:
        return msgspec.json.decode(note, type=_Record)
    except msgspec.MsgspecError:
        told = "What became of this request was written down by another release, which this one cannot read."
        raise UpstreamUncertain(told) from None  # the error may hold what is written there


def _refuse_another(digest: str, before: str) -> None:
    if digest != before:
        told = f"`{HEADER}` came with another request before: a new request needs a new one."
        raise InvalidRequest(told, field=HEADER)


def _check(key: str) -> None:
    if not re.fullmatch(KEY_PATTERN, key):
        raise InvalidRequest(f"`{HEADER}` is 1 to 255 visible ASCII characters.", field=HEADER)
