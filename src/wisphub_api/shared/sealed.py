"""What leaves the process is encrypted and authenticated: a file, a Redis hold nothing to read.

The key is derived (HKDF, RFC 5869) from WispHub Net's, which every process of one provider has and nobody
else: what was sealed under another account, or before the key was changed, cannot be opened.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from functools import lru_cache, partial
from hashlib import blake2b
from typing import Final, Self

from msgspec.structs import replace

from wisphub_api.shared.backend import Backend, Lease, OnMessage, Snapshot, Stored
from wisphub_api.shared.spending import Limit, Spent

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
DIGEST_BYTES: Final = 16
REMEMBERED: Final = 4_096
"""Keys whose digest need not be made again."""


class SealBroken(Exception):
    """What was sealed was sealed by another key, for another purpose, or is damaged."""


class Seal:
    """Seals bytes with AES-256-GCM; what it needs for that takes 6 MB, and is imported with the first one.

    Args:
        secret: What the key is derived from.
    """

    def __init__(self, secret: str) -> None:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        self._broken = (InvalidTag, ValueError)
        self._secret = secret.encode()
        self._cipher = AESGCM(self._derive(b"seal"))
        self._digest_key = self._derive(b"digest")

    def close(self, content: bytes, purpose: str) -> bytes:
        """Return the content sealed; to be opened for the same purpose only."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Return what was sealed.

        Raises:
            SealBroken: It was not sealed by this key for this purpose, as it is.
        """
        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, rest, purpose.encode())
        except self._broken as error:
            raise SealBroken(purpose) from error

    def digest(self, text: str) -> str:
        """Return what stands for a text: always the same, and without the key nobody finds it by trying."""
        return blake2b(text.encode(), key=self._digest_key, digest_size=DIGEST_BYTES).hexdigest()

    def name(self, of: str) -> str:
        """Return a name that differs from other providers', and does not say whose it is."""
        return self._derive(b"name/" + of.encode()).hex()[:16]

    def _derive(self, info: bytes) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"wisphub-api/" + info).derive(self._secret)


class SealedBackend:
    """A backend to which all that is put comes sealed, and each key as its digest.

    A record that was sealed by another key is none, and a message makes its hearers look for a snapshot.

    Args:
        backend: Where it is kept.
        seal: Seals it.
    """

    def __init__(self, backend: Backend, seal: Seal) -> None:
        self._backend = backend
        self._seal = seal
        self._digest = lru_cache(REMEMBERED)(seal.digest)

    @property
    def keeps_snapshots(self) -> bool:
        """Whether a snapshot can be put at the moment."""
        return self._backend.keeps_snapshots

    @property
    def losses(self) -> int:
        """How often it was found without what should be there."""
        return self._backend.losses

    async def __aenter__(self) -> Self:
        """Begin to hear messages."""
        await self._backend.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hear no more, and close what is open."""
        await self._backend.__aexit__(*_)

    async def get(self, key: str) -> bytes | None:
        """Return the record under this key."""
        name = self._digest(key)
        sealed = await self._backend.get(name)
        try:
            return None if sealed is None else self._seal.open(sealed, name)
        except SealBroken:
            return None

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Put a record in the place of the one before."""
        name = self._digest(key)
        await self._backend.put(name, self._seal.close(value, name), ttl_s)

    async def delete(self, key: str) -> None:
        """Delete a record."""
        await self._backend.delete(self._digest(key))

    async def spend(self, limits: Sequence[Limit], amount: int = 1) -> Spent:
        """Count an amount under all these limits, or nothing."""
        named = [Limit(self._digest(limit.key), limit.most, limit.window_s) for limit in limits]
        return await self._backend.spend(named, amount)

    def spend_now(self, limits: Sequence[Limit], amount: int = 1) -> None:
        """Return None: what others have counted has to be waited for."""

    async def lease(self, key: str, ttl_s: float, most: int = 1, *, is_urgent: bool = True) -> Lease | None:
        """Take one of `most` places."""
        return await self._backend.lease(self._digest(key), ttl_s, most, is_urgent=is_urgent)

    async def extend(self, lease: Lease, ttl_s: float) -> None:
        """Let a lease that has not ended last for so long from now."""
        await self._backend.extend(lease, ttl_s)

    async def release(self, lease: Lease) -> None:
        """End a lease."""
        await self._backend.release(lease)

    async def newest(self, name: str, seen: str, known_content: str) -> Stored | None:
        """Return the newest snapshot, unless it is the one whose tag was `seen`.

        One that is another account's, or damaged, comes without a head.
        """
        stored = await self._backend.newest(name, seen, known_content)
        if stored is None:
            return None
        try:
            return await asyncio.to_thread(self._opened, name, stored)
        except SealBroken:
            return Stored(stored.tag, b"", "", None)

    async def put_snapshot(self, name: str, snapshot: Snapshot, seen: str) -> str | None:
        """Put a snapshot and return its tag; None where it cannot be put."""
        purpose = f"content/{name}/{snapshot.content_tag}"

        async def content() -> bytes:
            return await asyncio.to_thread(self._seal.close, await snapshot.content(), purpose)

        head = self._seal.close(snapshot.head, f"head/{name}/{snapshot.content_tag}")
        return await self._backend.put_snapshot(name, replace(snapshot, head=head, content=content), seen)

    async def publish(self, name: str, message: bytes, at: float) -> bool:
        """Send a message to all other processes; return False where not all will hear it."""
        return await self._backend.publish(name, self._seal.close(message, f"message/{name}"), at)

    def subscribe(self, name: str, on_message: OnMessage) -> None:
        """Call `on_message` with what other processes publish."""
        self._backend.subscribe(name, partial(self._hear, name, on_message))

    async def catch_up(self) -> None:
        """Hear everything that was published up to now."""
        await self._backend.catch_up()

    def _hear(self, name: str, on_message: OnMessage, sealed: bytes | None, at: float) -> None:
        try:
            message = None if sealed is None else self._seal.open(sealed, f"message/{name}")
        except SealBroken:
            message = None
        on_message(message, at)

    def _opened(self, name: str, stored: Stored) -> Stored:
        head = self._seal.open(stored.head, f"head/{name}/{stored.content_tag}")
        content = stored.content
        if content is not None:
            content = self._seal.open(content, f"content/{name}/{stored.content_tag}")
        return replace(stored, head=head, content=content)
