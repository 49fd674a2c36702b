"""Where the processes of the service leave copies of what they have loaded, for each other and for later."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, Self

from msgspec import Struct

Hear = Callable[[bytes | None, float], None]
"""Is told a change, and when it was written, since the epoch; or None: there may be a new copy."""


class Sealed(Struct, frozen=True):
    """A copy as it is put on a shelf.

    Attributes:
        loaded_at: When its load began, in seconds since the epoch.
        content: Sealed bytes.
    """

    loaded_at: float
    content: bytes


class Stored(Struct, frozen=True):
    """A copy as it lies on a shelf.

    Attributes:
        tag: Tells it apart from the copies before.
        content: Sealed.
    """

    tag: str
    content: bytes


class Shelf(Protocol):
    """Keeps the newest copy under each name, as an async context.

    Nothing here raises because the shelf cannot be reached: it is empty then, and takes nothing.

    Attributes:
        tells: Whether changes can be told; otherwise other processes see copies only.
    """

    tells: bool

    @property
    def is_reachable(self) -> bool:
        """Whether a copy can be put there."""
        ...

    @property
    def losses(self) -> int:
        """How often it has been found without what should be there."""
        ...

    async def __aenter__(self) -> Self:
        """Begin to hear what other processes do."""
        ...

    async def __aexit__(self, *_: object) -> None:
        """Hear no more."""
        ...

    def listen(self, name: str, hear: Hear) -> None:
        """Let `hear` be told of what other processes do."""
        ...

    async def catch_up(self) -> None:
        """Let all be told what other processes have done up to now."""
        ...

    async def newest(self, name: str, seen: str) -> Stored | None:
        """Give the copy, unless it is the one whose tag was `seen`."""
        ...

    async def put(self, name: str, copy: Sealed, seen: str) -> str | None:
        """Put a copy there and give its tag; None where nothing can be put.

        Nor is a copy put in the place of one that is newer, or of the same load (it began at the same time)
        and not the one `seen`; nor, where changes cannot be told, of any but that.
        """
        ...

    async def tell(self, name: str, change: bytes, at: float) -> bool:
        """Tell all processes, this one too, what was written at a time, since the epoch; False: it is not."""
        ...

    def turn(self, name: str) -> AbstractAsyncContextManager[bool]:
        """Ask for the right to load: one process has it at a time; False while it is another's."""
        ...
