"""One cache's value as processes share it: a snapshot of what was loaded, messages on what was written since.

The snapshot's content is what was loaded. It is packed, written, read and unpacked only where it is another
one: of a load that found nothing new the others read a head of some hundred bytes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from wisphub_api.shared.backend import Backend, OnMessage, Snapshot, Stored, new_token

V = TypeVar("V")
C = TypeVar("C")
logger = logging.getLogger(__name__)

LOAD_LEASE_S: Final = 10.0
"""The right to load ends so long after its process was last heard of."""


class Change(Protocol[V]):
    """A change of a value: a struct, so that it can be sent; to make it twice is to make it once."""

    def __call__(self, value: V, /) -> V:
        """Return the changed value."""
        ...


Written = tuple[float, Change[V]]
"""A change, and when it was written, in seconds since the epoch."""


class Codec(Struct, Generic[V, C], frozen=True):
    """How a value is written down.

    Attributes:
        kind: The type that is written, of msgspec's.
        pack: Returns what is written of a value; called off the event loop.
        unpack: Returns the value again, given the one before, None at first: what has not changed is not made
            again. Called off the event loop.
        changes: The type of the value's changes; None where there are none.
    """

    kind: Any
    pack: Callable[[V], C]
    unpack: Callable[[C, V | None], V]
    changes: Any = None

    @property
    def version(self) -> str:
        """Differs between releases that write it differently."""
        kinds = tuple[self.kind, self.changes]  # type: ignore[name-defined]  # types as values
        schema = msgspec.json.encode(msgspec.json.schema(kinds), order="deterministic")
        return blake2b(schema, digest_size=8).hexdigest()


class Loaded(Struct, Generic[V], frozen=True):
    """A value that was loaded by some process.

    Attributes:
        value: What was loaded, as it was.
        loaded_at: When the load began, in seconds since the epoch; the load's name, too.
        cost_s: How long it took.
        changes: What has been written since, as far as it is known, the oldest first.
    """

    value: V
    loaded_at: float
    cost_s: float
    changes: tuple[Written[V], ...] = ()


class _Head(Struct, frozen=True, array_like=True):
    version: str
    loaded_at: float
    cost_s: float
    changes: msgspec.Raw


class Shared(Generic[V]):
    """The snapshot and the messages of one cache.

    Args:
        name: The cache's.
        codec: Writes and reads its value.
        backend: Where they are.
    """

    def __init__(self, name: str, codec: Codec[V, Any], backend: Backend) -> None:
        self._name = name
        self._codec = codec
        self._backend = backend
        self._version = codec.version
        self._seen = ""
        self._content: tuple[str, V] | None = None
        """The content that was read or put last, by its tag."""

    @property
    def losses(self) -> int:
        """How often it has been found that what was put or published is lost."""
        return self._backend.losses

    @property
    def keeps_snapshots(self) -> bool:
        """Whether a snapshot can be put at the moment."""
        return self._backend.keeps_snapshots

    @asynccontextmanager
    async def load_lease(self) -> AsyncIterator[bool]:
        """Hold the right to load, which one process has at a time; False while it is another's."""
        lease = await self._backend.lease(f"load:{self._name}", LOAD_LEASE_S, is_urgent=False)
        if lease is None:
            yield False
            return

        async def keep() -> None:
            while True:
                await asyncio.sleep(LOAD_LEASE_S / 4)
                await self._backend.extend(lease, LOAD_LEASE_S)

        keeper = asyncio.create_task(keep(), name=f"keep the lease of {self._name}")
        try:
            yield True
        finally:
            keeper.cancel()
            # In a task of its own: who is cancelled again and again must not keep the lease.
            await asyncio.shield(asyncio.create_task(self._backend.release(lease)))

    async def newest(self, previous: V | None) -> Loaded[V] | None:
        """Return the snapshot, unless it was returned before, or put by this process, or cannot be read.

        Args:
            previous: The value that it will replace.
        """
        known = self._content[0] if self._content else ""
        try:
            stored = await self._backend.newest(self._name, self._seen, known)
            if stored is None:
                return None
            self._seen = stored.tag
            return await self._read(stored, previous)
        except Exception:  # noqa: BLE001  # whatever is wrong with it, another load replaces it
            why = "of another WISPHUB_NET_KEY or release, or damaged"
            logger.warning("%s: the shared snapshot is %s, and is left alone", self._name, why)
            return None

    async def put(self, loaded: Loaded[V]) -> bool:
        """Put a snapshot for the others; return False where there is a newer one, or none can be put."""
        if not self.keeps_snapshots:
            return False
        if self._content is not None and _is_same(self._content[1], loaded.value):
            tag = self._content[0]
        else:
            tag = new_token()
        packed: list[bytes] = []

        async def content() -> bytes:
            if not packed:
                packed.append(await asyncio.to_thread(self._pack, loaded.value))
            return packed[0]

        changes = msgspec.Raw(msgspec.msgpack.encode(loaded.changes))
        head = _Head(self._version, loaded.loaded_at, loaded.cost_s, changes)
        snapshot = Snapshot(loaded.loaded_at, msgspec.msgpack.encode(head), tag, content)
        put = await self._backend.put_snapshot(self._name, snapshot, self._seen)
        if put is None:
            return False
        self._seen, self._content = put, (tag, loaded.value)
        return True

    async def publish(self, change: Change[V], at: float) -> bool:
        """Send the others what was written at a time, since the epoch; return False where not all hear it."""
        return await self._backend.publish(self._name, msgspec.msgpack.encode(change), at)

    def subscribe(self, changed: Callable[[Change[V], float], None], look: Callable[[], None]) -> None:
        """Call `changed` with what others have written and when, `look` where there may be a snapshot."""
        self._backend.subscribe(self._name, self._on_message(changed, look))

    async def catch_up(self) -> None:
        """Hear of all that the others have done up to now."""
        await self._backend.catch_up()

    def _on_message(self, changed: Callable[[Change[V], float], None], look: Callable[[], None]) -> OnMessage:
        def on_message(message: bytes | None, at: float) -> None:
            if message is None:
                look()
                return
            try:
                change = msgspec.msgpack.decode(message, type=self._codec.changes)
            except msgspec.MsgspecError:
                look()
            else:
                changed(change, at)

        return on_message

    def _pack(self, value: V) -> bytes:
        return msgspec.msgpack.encode(self._codec.pack(value))

    async def _read(self, stored: Stored, previous: V | None) -> Loaded[V]:
        head = msgspec.msgpack.decode(stored.head, type=_Head)
        if head.version != self._version:
            raise msgspec.ValidationError(head.version)
        kind = tuple[tuple[float, self._codec.changes], ...]  # type: ignore[name-defined]  # types as values
        changes = msgspec.msgpack.decode(head.changes, type=kind)
        if stored.content is not None:
            value = await asyncio.to_thread(self._unpack, stored.content, previous)
            self._content = stored.content_tag, value
        if self._content is None:
            raise msgspec.ValidationError(stored.content_tag)
        return Loaded(self._content[1], head.loaded_at, head.cost_s, changes)

    def _unpack(self, content: bytes, previous: V | None) -> V:
        return self._codec.unpack(msgspec.msgpack.decode(content, type=self._codec.kind), previous)


def _is_same(one: object, other: object) -> bool:
    return one is other or one == other
