"""One cache's value as processes share it: who has loaded it leaves a copy for the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from hashlib import blake2b
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from wisphub_api.fleet.seal import Seal, SealBroken
from wisphub_api.fleet.shelf import Hear, Sealed, Shelf

V = TypeVar("V")
C = TypeVar("C")
logger = logging.getLogger(__name__)


class Change(Protocol[V]):
    """A change of a value: a struct, so that it can be sent; to make it twice is to make it once."""

    def __call__(self, value: V, /) -> V:
        """Give the changed value."""
        ...


Written = tuple[float, Change[V]]
"""A change, and when it was written, in seconds since the epoch."""


class Codec(Struct, Generic[V, C], frozen=True):
    """How a value is written down.

    Attributes:
        kind: The type that is written, of msgspec's.
        pack: Makes of a value what is written.
        unpack: Makes a value of it, given the one before, None at first: what has not changed is not made
            again. Called off the event loop.
        changes: The type of the value's changes; None where there are none.
    """

    kind: Any
    pack: Callable[[V], C]
    unpack: Callable[[C, V | None], V]
    changes: Any = None

    @property
    def version(self) -> str:
        """Tells apart what is written by releases that write it differently."""
        kinds = tuple[self.kind, self.changes]  # type: ignore[name-defined]  # types as values
        schema = msgspec.json.encode(msgspec.json.schema(kinds), order="deterministic")
        return blake2b(schema, digest_size=8).hexdigest()


class Copy(Struct, Generic[V], frozen=True):
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


class _Written(Struct, frozen=True, array_like=True):
    version: str
    loaded_at: float
    cost_s: float
    content: msgspec.Raw
    changes: msgspec.Raw


class Shared(Generic[V]):
    """The copy of one cache on a shelf.

    Args:
        name: The cache's.
        codec: Writes and reads its value.
        shelf: Where the copy lies.
        seal: Seals it.
    """

    def __init__(self, name: str, codec: Codec[V, Any], shelf: Shelf, seal: Seal) -> None:
        self._name = name
        self._codec = codec
        self._shelf = shelf
        self._seal = seal
        self._version = codec.version
        self._seen = ""

    @property
    def tells(self) -> bool:
        """Whether changes can be told; otherwise others see copies only."""
        return self._shelf.tells

    @property
    def is_reachable(self) -> bool:
        """Whether a copy can be left."""
        return self._shelf.is_reachable

    @property
    def losses(self) -> int:
        """How often it has been found that what was left or told is lost."""
        return self._shelf.losses

    def turn(self) -> AbstractAsyncContextManager[bool]:
        """Ask for the right to load; False while another process has it."""
        return self._shelf.turn(self._name)

    async def newest(self, previous: V | None) -> Copy[V] | None:
        """Return the copy, unless it was returned before, or put here by this process, or cannot be read.

        Args:
            previous: The value that it will replace.
        """
        stored = await self._shelf.newest(self._name, self._seen)
        if stored is None:
            return None
        self._seen = stored.tag
        try:
            return await asyncio.to_thread(self._read, stored.content, previous)
        except SealBroken:
            why = "of another WISPHUB_NET_KEY, or damaged"
        except Exception:  # noqa: BLE001  # whatever is wrong with it, it is only a copy
            why = "of another release"
        logger.warning("%s: the shared copy is %s, and is left alone", self._name, why)
        return None

    async def put(self, copy: Copy[V]) -> bool:
        """Leave a copy for the others; False where there is a newer one, or it cannot be left."""
        if not self.is_reachable:
            return False
        sealed = Sealed(copy.loaded_at, await asyncio.to_thread(self._write, copy))
        tag = await self._shelf.put(self._name, sealed, self._seen)
        if tag is not None:
            self._seen = tag
        return tag is not None

    async def tell(self, change: Change[V], at: float) -> bool:
        """Tell the others what was written at a time, since the epoch; False: only a new copy can."""
        sealed = self._seal.close(msgspec.msgpack.encode(change), self._purpose("change"))
        return await self._shelf.tell(self._name, sealed, at)

    def listen(self, changed: Callable[[Change[V], float], None], look: Callable[[], None]) -> None:
        """Call `changed` with what others tell of and its time, `look` where there may be a copy."""
        self._shelf.listen(self._name, self._hear(changed, look))

    async def catch_up(self) -> None:
        """Hear of all that the others have done up to now."""
        await self._shelf.catch_up()

    def _hear(self, changed: Callable[[Change[V], float], None], look: Callable[[], None]) -> Hear:
        def hear(change: bytes | None, at: float) -> None:
            if change is None:
                look()
                return
            try:
                opened = self._seal.open(change, self._purpose("change"))
                changed(msgspec.msgpack.decode(opened, type=self._codec.changes), at)
            except (SealBroken, msgspec.MsgspecError):
                look()

        return hear

    def _write(self, copy: Copy[V]) -> bytes:
        content = msgspec.Raw(msgspec.msgpack.encode(self._codec.pack(copy.value)))
        changes = msgspec.Raw(msgspec.msgpack.encode(copy.changes))
        written = _Written(self._version, copy.loaded_at, copy.cost_s, content, changes)
        return self._seal.close(msgspec.msgpack.encode(written), self._purpose("copy"))

    def _read(self, sealed: bytes, previous: V | None) -> Copy[V]:
        written = msgspec.msgpack.decode(self._seal.open(sealed, self._purpose("copy")), type=_Written)
        if written.version != self._version:
            raise msgspec.ValidationError(written.version)
        content = msgspec.msgpack.decode(written.content, type=self._codec.kind)
        kind = tuple[tuple[float, self._codec.changes], ...]  # type: ignore[name-defined]  # types as values
        changes = msgspec.msgpack.decode(written.changes, type=kind)
        return Copy(self._codec.unpack(content, previous), written.loaded_at, written.cost_s, changes)

    def _purpose(self, of: str) -> str:
        return f"{of}/{self._name}"
