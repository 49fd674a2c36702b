"""The keys that are known now, looked up by digest; those of a file are read anew when it changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from wisphub_api.api_keys import ApiKey, Caller, digest, read_keys
from wisphub_api.exceptions import SettingsError

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
Stamp = tuple[int, int, int, int] | None


class KeyRing:
    """Finds the caller by the key, and follows the file of keys as an async context.

    A change is taken once the file has rested for `LOOK_EVERY_S`, so that one that is being written is not
    read by half. A file that cannot be used leaves the keys as they were, with one line in the log.

    Args:
        own: The keys of the settings, by name.
        file: Holds further keys.

    Raises:
        SettingsError: The file cannot be used.
    """

    def __init__(self, own: Mapping[str, ApiKey], file: Path | None = None) -> None:
        self._own = own
        self._file = file
        self._timer: asyncio.TimerHandle | None = None
        self._seen = self._tried = stamp(file)
        self._callers = by_digest(read_keys(own, file))

    async def __aenter__(self) -> Self:
        """Begin to follow the file."""
        if self._file is not None:
            self._wait(asyncio.get_running_loop())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Follow it no longer."""
        if self._timer is not None:
            self._timer.cancel()

    def find(self, key: bytes) -> Caller | None:
        """Tell whose key this is; how long that takes says nothing of the keys, as digests are compared."""
        return self._callers.get(digest(key))

    def look(self) -> None:
        """Read the file anew if it has changed, and rests since the last look."""
        now = stamp(self._file)
        is_at_rest, self._seen = now == self._seen, now
        if is_at_rest and now != self._tried:
            self._tried = now
            self._read()

    def _read(self) -> None:
        try:
            keys = read_keys(self._own, self._file)
        except SettingsError as error:
            logger.error("the API keys stay as they were: %s", error)  # noqa: TRY400  # a trace tells no more
            return
        self._callers = by_digest(keys)
        logger.info("API keys read anew: %s", ", ".join(keys))

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(LOOK_EVERY_S, self._look_and_wait, loop)

    def _look_and_wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self.look()
        self._wait(loop)


def by_digest(keys: Mapping[str, ApiKey]) -> dict[bytes, Caller]:
    """Make the table that callers are looked up in."""
    return {key.digest: Caller(name, key.scopes) for name, key in keys.items()}


def stamp(file: Path | None) -> Stamp:
    """Give what changes when a file, its mode or its place does; None where there is none."""
    try:
        status = file.stat() if file else None
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns) if status else None
