"""What leaves the process is compressed, encrypted, authenticated: a file, a Redis hold nothing to read.

The key is derived (HKDF, RFC 5869) from WispHub Net's, which every process of one provider has and nobody
else: what was sealed under another account, or before the key was changed, cannot be opened.
"""

from __future__ import annotations

import os
import zlib
from hashlib import blake2b
from typing import Final

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
DIGEST_BYTES: Final = 16
FASTEST: Final = 1
"""Of zlib's levels: higher ones save a tenth of the bytes and take three times as long."""


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

        self._broken = (InvalidTag, ValueError, zlib.error)
        self._secret = secret.encode()
        self._cipher = AESGCM(self._derive(b"seal"))
        self._digest_key = self._derive(b"digest")

    def close(self, content: bytes, purpose: str) -> bytes:
        """Seal; to be opened for the same purpose only."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, zlib.compress(content, FASTEST), purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Give what was sealed.

        Raises:
            SealBroken: It was not sealed by this key for this purpose, as it is.
        """
        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return zlib.decompress(self._cipher.decrypt(nonce, rest, purpose.encode()))
        except self._broken as error:
            raise SealBroken(purpose) from error

    def digest(self, text: str) -> str:
        """Give what stands for a text: always the same, and nobody without the key can tell by trying."""
        return blake2b(text.encode(), key=self._digest_key, digest_size=DIGEST_BYTES).hexdigest()

    def name(self, of: str) -> str:
        """Give a name that tells this provider's apart from others', and not whose it is."""
        return self._derive(b"name/" + of.encode()).hex()[:16]

    def _derive(self, info: bytes) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"wisphub-api/" + info).derive(self._secret)
