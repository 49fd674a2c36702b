"""A folder as the shelf of one machine's processes: it outlives them all.

A copy is written beside the old one and put in its place, so that a reader sees one or the other, whole. Only
the service's own account may read the folder and what is in it.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from wisphub_api.fleet.shelf import Hear, Sealed, Stored
from wisphub_api.fleet.spending import CLOCKS_DIFFER_S
from wisphub_api.fleet.tasks import end, for_ever

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.25
LOCK_S: Final = 5.0
"""How long another process may take to put a copy there."""
MAGIC: Final = b"WHCOPY1\n"
_HEAD: Final = struct.Struct(f">{len(MAGIC)}sd")


class FileShelf:
    """Copies as files `<name>.copy`, mode 0600, in a folder of this machine.

    Args:
        folder: Is there, and this process may write into it.
    """

    tells = False
    is_reachable = True
    losses = 0

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hears: dict[str, Hear] = {}
        self._tags: dict[str, str] = {}
        self._watch: asyncio.Task[None] | None = None
        self._is_failing = False

    async def __aenter__(self) -> Self:
        """Begin to look for what other processes put there."""
        self._watch = asyncio.create_task(
            for_ever(self._look_later, "snapshot folder"), name="snapshot folder"
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Look no longer."""
        if self._watch is not None:
            await end(self._watch)

    def listen(self, name: str, hear: Hear) -> None:
        """Let `hear` be told when there is a new copy."""
        self._hears[name] = hear
        self._tags[name] = self.tag(name)

    async def catch_up(self) -> None:
        """Tell of new copies now."""
        for name, hear in self._hears.items():
            tag = self.tag(name)
            if tag != self._tags[name]:
                self._tags[name] = tag
                hear(None, 0.0)

    async def newest(self, name: str, seen: str) -> Stored | None:
        """Give the copy, unless it is the one whose tag was `seen`."""
        return await asyncio.to_thread(self._read, name, seen)

    async def put(self, name: str, copy: Sealed, seen: str) -> str | None:
        """Put a copy there; None where a newer one is, or the disk takes none."""
        try:
            tag = await asyncio.to_thread(self._write, name, copy, seen)
        except OSError as error:
            self._note(error)
            return None
        self._is_failing = False
        return tag

    async def tell(self, name: str, change: bytes, at: float) -> bool:  # noqa: ARG002  # others can
        """Tell nothing: here only copies are seen."""
        return False

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[bool]:
        """Hold the right to load, which ends with the process that has it."""
        try:
            lock = self._open(f"{name}.turn")
        except OSError as error:
            self._note(error)
            yield True  # alone, then
            return
        try:
            yield self._has(lock)
        finally:
            os.close(lock)

    def _has(self, lock: int) -> bool:
        try:
            return _locked(lock)
        except OSError as error:  # some file systems have no locks
            self._note(error)
            return True

    def _open(self, name: str) -> int:
        return os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.copy"

    def tag(self, name: str) -> str:
        """Tell the copy that is there apart from those before; empty where there is none."""
        try:
            status = self._path(name).stat()
        except OSError:
            return ""
        return f"{status.st_mtime_ns}-{status.st_ino}"

    def _read(self, name: str, seen: str) -> Stored | None:
        tag = self.tag(name)
        if tag in ("", seen):
            return None
        try:
            content = self._path(name).read_bytes()
        except OSError as error:
            self._note(error)
            return None
        return Stored(tag, content[_HEAD.size :])

    def _write(self, name: str, copy: Sealed, seen: str) -> str | None:
        with self._alone_with(name):
            there = self._loaded_at(name)
            is_older = copy.loaded_at < there < time.time() + CLOCKS_DIFFER_S
            if is_older or self.tag(name) != seen:
                return None
            with _replacement(self._path(name)) as file:
                _write_all(file, _HEAD.pack(MAGIC, copy.loaded_at))
                _write_all(file, copy.content)
            return self.tag(name)

    @contextmanager
    def _alone_with(self, name: str) -> Iterator[None]:
        lock = self._open(f"{name}.lock")
        try:
            _wait_for(lock)
            yield
        finally:
            os.close(lock)

    def _loaded_at(self, name: str) -> float:
        with suppress(OSError, struct.error), self._path(name).open("rb") as file:
            magic, loaded_at = _HEAD.unpack(file.read(_HEAD.size))
            if magic == MAGIC:
                return float(loaded_at)
        return float("-inf")

    async def _look_later(self) -> None:
        await asyncio.sleep(LOOK_EVERY_S)
        await self.catch_up()

    def _note(self, error: OSError) -> None:
        """Say once that the folder cannot be used, until it can."""
        if not self._is_failing:
            logger.error("the snapshot folder cannot be used: %s", error.strerror)
        self._is_failing = True


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(lock: int) -> None:
    """Lock, unless a process that hangs has it."""
    deadline = time.monotonic() + LOCK_S
    while not _locked(lock):
        if time.monotonic() > deadline:
            raise OSError(errno.EAGAIN, "another process hangs while it writes there")
        time.sleep(0.01)


@contextmanager
def _replacement(path: Path) -> Iterator[int]:
    """Open a new file, which takes the place of the old one when all has been written."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)  # of a process that was killed
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        yield file
        now_ns = time.time_ns()
        os.utime(file, ns=(now_ns, now_ns))  # finer than the system's: it is the copy's tag
        os.fsync(file)
        new.replace(path)
    finally:
        os.close(file)
        new.unlink(missing_ok=True)


def _write_all(file: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]
