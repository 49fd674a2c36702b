"""What processes share: one protocol, behind which are this process's memory, a SQLite file or Redis.

- *Records* are small values under a key, each with a time to live: idempotency records, running pings.
- *Windows* count under limits, and *leases* are places that end by themselves (see `spending`).
- A *snapshot* is what one process has loaded, for the others and for the next start. It has a small head,
  which changes with every load, and a content, which is written and read only where it is another one.
- *Messages* are heard by all processes, each once and in the order in which they were published; one that
  starts later, or was away, hears those before too.

Nothing here raises because others cannot be reached: a backend that is *degraded* goes on with what stands in
for it. Keys and contents come sealed (see `sealed`): no backend can read them.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import Final, Literal, Protocol, Self

from msgspec import Struct

from wisphub_api.shared.spending import Limit, Spent

TOKEN_BYTES: Final = 16
MOST_MESSAGES: Final = 10_000
"""How many messages are kept, about; a newcomer needs those since the newest snapshot was loaded."""

LONGEST_LEASE_S: Final = 600.0
"""No lease is longer: one that has longer to go was taken before the clock was set back."""

OnMessage = Callable[[bytes | None, float], None]
"""Is called with a message and when it was written, since the epoch; or with None: look for a snapshot."""


class Lease(Struct, frozen=True):
    """One of the places under a key, held by whoever knows the token."""

    key: str
    token: str


class Snapshot(Struct, frozen=True):
    """A snapshot as it is put.

    Attributes:
        loaded_at: When its load began, in seconds since the epoch.
        head: What changes with every load.
        content_tag: Names the content; the same content has the same tag.
        content: Returns the content; called where it is not there yet.
    """

    loaded_at: float
    head: bytes
    content_tag: str
    content: Callable[[], Awaitable[bytes]]


class Stored(Struct, frozen=True):
    """A snapshot as it is found.

    Attributes:
        tag: Differs from that of every snapshot before.
        head: As it was put.
        content_tag: As it was put.
        content: None where it was said to be known.
    """

    tag: str
    head: bytes
    content_tag: str
    content: bytes | None


class LinkState(Struct, frozen=True):
    """How it stands with Redis, for operators.

    Attributes:
        state: "together" while Redis answers, "alone" while the process goes on without it.
        why: What is wrong.
        troubles: How often it went from together to alone.
    """

    state: Literal["together", "alone"]
    why: str | None
    troubles: int


TellLink = Callable[[], LinkState | None]
"""Returns how it stands; None where there is no Redis."""


class Backend(Protocol):
    """What processes share, safe to use from many tasks; messages are heard while its context is open."""

    @property
    def keeps_snapshots(self) -> bool:
        """Whether a snapshot can be put at the moment."""
        ...

    @property
    def losses(self) -> int:
        """How often it was found without what should be there."""
        ...

    async def __aenter__(self) -> Self:
        """Begin to hear messages, from the first that is kept."""
        ...

    async def __aexit__(self, *_: object) -> None:
        """Hear no more, and close what is open."""
        ...

    async def get(self, key: str) -> bytes | None:
        """Return the record under this key."""
        ...

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Put a record in the place of the one before."""
        ...

    async def delete(self, key: str) -> None:
        """Delete a record."""
        ...

    async def spend(self, limits: Sequence[Limit], amount: int = 1) -> Spent:
        """Count an amount under all these limits, or nothing where one of them does not allow it.

        One step, over all processes; those of one process take effect in the order in which they were
        called. With an amount of 0 nothing is counted: it is granted where 1 would be.
        """
        ...

    def spend_now(self, limits: Sequence[Limit], amount: int = 1) -> Spent | None:
        """Do what `spend` does where it is done without waiting; do nothing and return None elsewhere."""
        ...

    async def lease(self, key: str, ttl_s: float, most: int = 1, *, is_urgent: bool = True) -> Lease | None:
        """Take one of `most` places, or return None where all are taken; after `ttl_s` it is free again.

        Args:
            key: What the places are of.
            ttl_s: How long the lease lasts, in seconds, unless it is extended.
            most: How many places there are.
            is_urgent: Whether a request waits for it.
        """
        ...

    async def extend(self, lease: Lease, ttl_s: float) -> None:
        """Let a lease that has not ended last for so long from now."""
        ...

    async def release(self, lease: Lease) -> None:
        """End a lease; one that has ended already, or is another's by now, is left alone."""
        ...

    async def newest(self, name: str, seen: str, known_content: str) -> Stored | None:
        """Return the newest snapshot, unless it is the one whose tag was `seen`.

        Args:
            name: The snapshot's.
            seen: The tag of the one that was returned before.
            known_content: The tag of a content that need not be read again.
        """
        ...

    async def put_snapshot(self, name: str, snapshot: Snapshot, seen: str) -> str | None:
        """Put a snapshot and return its tag; None where it cannot be put.

        Nor is it put in the place of one that is newer, or of the same load (it began at the same time) and
        not the one `seen`.
        """
        ...

    async def publish(self, name: str, message: bytes, at: float) -> bool:
        """Send a message to all other processes; return False where not all will hear it.

        Args:
            name: Who is to hear it.
            message: What is sent.
            at: When it was written, in seconds since the epoch.
        """
        ...

    def subscribe(self, name: str, on_message: OnMessage) -> None:
        """Call `on_message` with what other processes publish; before the context is entered."""
        ...

    async def catch_up(self) -> None:
        """Hear everything that was published up to now."""
        ...


def new_token() -> str:
    """Return what nobody else has."""
    return secrets.token_hex(TOKEN_BYTES)


def digested(kind: str, *parts: str | int) -> str:
    """Return the key of what `parts` name, in this order; it names nobody, and its kind stays legible."""
    named = "\x00".join(map(str, parts)).encode()
    return f"{kind}:{blake2b(named, digest_size=TOKEN_BYTES).hexdigest()}"
