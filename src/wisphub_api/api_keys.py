"""The consumers' keys as they are written down: a name, what it may do, and the key.

`bot:the-key` may do everything, `bot/read+diagnostics:the-key` only what is named. The key is all that
follows the first colon: it may hold colons and slashes, a name holds neither. Only a key's digest is kept.

`verify` lets identities be checked, and tells of the clients nothing else, not even which there are; `read`
comprises it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, cast, get_args

from msgspec import Struct

from wisphub_api.exceptions import SettingsError

Scope = Literal["read", "write", "diagnostics", "verify"]
SCOPES: Final[frozenset[Scope]] = frozenset(get_args(Scope))

FILE_MAX_BYTES: Final = 1_000_000
_ENTRY: Final = re.compile(r"(?P<name>[\w.-]+)(?:/(?P<scopes>[a-z+]+))?:(?P<key>[\x21-\x7e]+)")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class ApiKey(Struct, frozen=True):
    """A consumer's key, of which only the digest is known, and what it may do."""

    digest: bytes
    scopes: frozenset[Scope] = SCOPES

    def __repr__(self) -> str:
        return f"ApiKey({'+'.join(sorted(self.scopes))})"


class Caller(Struct, frozen=True):
    """Who asks, and what they may do."""

    name: str
    scopes: frozenset[Scope]

    @property
    def may_read(self) -> bool:
        """Whether all of a client may be told."""
        return "read" in self.scopes

    def may(self, scope: str) -> bool:
        """Tell whether this scope is among theirs; who may read the clients may verify them as well."""
        return scope in self.scopes or (scope == "verify" and self.may_read)


def digest(key: bytes) -> bytes:
    """Give what is kept of a key and looked up: keys are long and random, so a plain hash (SHA-256) does."""
    return hashlib.sha256(key).digest()


def parse_keys(entries: Iterable[tuple[int, str]]) -> dict[str, ApiKey]:
    """Read numbered entries into keys by name.

    Raises:
        ValueError: Names the line that cannot be used, and why; never what stands in it but the name.
    """
    keys: dict[str, ApiKey] = {}
    for number, entry in entries:
        name, key = _parse(number, entry)
        _add(keys, name, key)
    return keys


def read_keys(own: Mapping[str, ApiKey], file: Path | None) -> dict[str, ApiKey]:
    """Give the keys of the settings and of the file, if there is one, by name.

    Raises:
        SettingsError: The file cannot be used.
    """
    keys = dict(own)
    if file is None:
        return keys
    try:
        for name, key in parse_keys(_entries(_read_private(file))).items():
            _add(keys, name, key)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SettingsError([f"WISPHUB_API_KEYS_FILE {file} cannot be used: {why}"]) from error
    return keys


def _parse(number: int, entry: str) -> tuple[str, ApiKey]:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise ValueError(f"line {number} is not name:key or name/scope+scope:key")
    scopes = frozenset((match["scopes"] or "+".join(SCOPES)).split("+"))
    if not scopes <= SCOPES:
        raise ValueError(f"line {number} names a scope that is not one of {', '.join(get_args(Scope))}")
    return match["name"], ApiKey(digest(match["key"].encode()), cast("frozenset[Scope]", scopes))


def _add(keys: dict[str, ApiKey], name: str, key: ApiKey) -> None:
    if name in keys:
        raise ValueError(f"the name {name} is given twice")
    if twin := next((other for other, known in keys.items() if known.digest == key.digest), None):
        raise ValueError(f"{twin} and {name} have the same key")
    keys[name] = key


def _read_private(path: Path) -> str:
    """Read a small file that nobody but its owner may read or write."""
    waiting_for_nobody = getattr(os, "O_NONBLOCK", 0)  # as the other end of a pipe
    with os.fdopen(os.open(path, os.O_RDONLY | waiting_for_nobody), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is not a file")
        if status.st_mode & _OTHERS:
            mode = stat.S_IMODE(status.st_mode)
            raise ValueError(f"others than its owner may read or write it (mode {mode:04o}); chmod 600 it")
        if status.st_size > FILE_MAX_BYTES:
            raise ValueError(f"it is larger than {FILE_MAX_BYTES} bytes")
        return _decode(file.read(FILE_MAX_BYTES))


def _decode(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ValueError("it is not valid UTF-8") from None  # the error holds what stands in the file


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """Give each line that is neither empty nor a comment, with its number."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    found = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not found:
        raise ValueError("it holds no key")
    yield from found
