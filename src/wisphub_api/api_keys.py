"""The consumers' keys in the settings and the key file: a name, scopes, and the key.

`bot:the-key` has every scope, `bot/read+diagnostics:the-key` only those named. The key is everything after
the first colon: it may contain colons and slashes, a name contains neither. Only a key's digest is kept.

The scope `verify` allows identity checks and reveals nothing else about the clients, not even which exist;
`read` includes it.
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
    """A consumer's key, as its digest, and its scopes."""

    digest: bytes
    scopes: frozenset[Scope] = SCOPES

    def __repr__(self) -> str:
        return f"ApiKey({'+'.join(sorted(self.scopes))})"


class Caller(Struct, frozen=True):
    """The consumer who sends a request, and its scopes."""

    name: str
    scopes: frozenset[Scope]

    @property
    def may_read(self) -> bool:
        """Return whether the caller may see whole client records."""
        return "read" in self.scopes

    def may(self, scope: str) -> bool:
        """Return whether the caller has this scope; `read` includes `verify`."""
        return scope in self.scopes or (scope == "verify" and self.may_read)


def digest(key: bytes) -> bytes:
    """Return the digest by which a key is looked up: SHA-256 is enough for long random keys."""
    return hashlib.sha256(key).digest()


def parse_keys(entries: Iterable[tuple[int, str]]) -> dict[str, ApiKey]:
    """Parse numbered entries into keys by name.

    Raises:
        ValueError: An entry is invalid. The message has its number, the reason and at most its name.
    """
    keys: dict[str, ApiKey] = {}
    for number, entry in entries:
        name, key = _parse(number, entry)
        _add(keys, name, key)
    return keys


def read_keys(own: Mapping[str, ApiKey], file: Path | None) -> dict[str, ApiKey]:
    """Return the keys of the settings and of the file, if there is one, by name.

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
    """Read a small file that only its owner may read or write."""
    nonblocking = getattr(os, "O_NONBLOCK", 0)  # opening a named pipe would wait for a writer
    with os.fdopen(os.open(path, os.O_RDONLY | nonblocking), "rb") as file:
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
        raise ValueError("it is not valid UTF-8") from None  # the error contains the file's content


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line that is neither empty nor a comment, with its number."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    found = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not found:
        raise ValueError("it holds no key")
    yield from found
