"""Signed task ids, which every worker can verify."""

from __future__ import annotations

import hmac
from hashlib import blake2b, sha256
from typing import Final

from wisphub_api.exceptions import NotFound
from wisphub_api.setting_values import Secret

_PURPOSE: Final = b"ping task id"
_SIGNATURE_BYTES: Final = 12


class TaskIds:
    """Signatures of WispHub Net's task ids: `<its id>.<signature>`.

    An id needs no memory: any worker can continue the task, also after a restart, and an invented id causes
    no call to WispHub Net.

    Args:
        secret: Known to all workers and to no caller.
    """

    def __init__(self, secret: Secret) -> None:
        self._key = sha256(secret.reveal().encode()).digest()

    def issue(self, upstream_id: str) -> str:
        """Return the signed id of a task; always the same."""
        return f"{upstream_id}.{self._signature(upstream_id)}"

    def read(self, task_id: str) -> str:
        """Return WispHub Net's own id of a task.

        Raises:
            NotFound: This service has issued no such id.
        """
        upstream_id, _, signature = task_id.rpartition(".")
        if not hmac.compare_digest(_bytes(signature), _bytes(self._signature(upstream_id))):
            raise NotFound("No ping diagnostic has this task_id.")
        return upstream_id

    def _signature(self, upstream_id: str) -> str:
        digest = blake2b(_bytes(upstream_id), key=self._key, person=_PURPOSE, digest_size=_SIGNATURE_BYTES)
        return digest.hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")
