"""Keys for what is kept in a store, which may leave the process: they tell nobody's name or number."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

_BYTES: Final = 16


def digested(kind: str, *parts: str | int) -> str:
    """Give the key of what `parts` name, in no other order; its kind stays legible."""
    named = "\x00".join(map(str, parts)).encode()
    return f"{kind}:{blake2b(named, digest_size=_BYTES).hexdigest()}"
