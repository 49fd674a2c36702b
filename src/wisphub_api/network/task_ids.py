"""Task ids that only this service can have issued, and that each of its workers recognises."""

from __future__ import annotations

import hmac
from hashlib import blake2b, sha256
from typing import Final

from wisphub_api.exceptions import NotFound
from wisphub_api.setting_values import Secret

_PURPOSE: Final = b"ping task id"
_SIGNATURE_BYTES: Final = 12


class TaskIds:
    """Signs WispHub Net's own task ids: `<its id>.<signature>`.

    So an id needs no memory: whichever worker is asked, also after a restart, can go on with the task, and
    an id that was made up costs WispHub Net no call.

    Args:
        secret: What all workers know and no caller does.
    """

    def __init__(self, secret: Secret) -> None:
        self._key = sha256(secret.reveal().encode()).digest()

    def issue(self, upstream_id: str) -> str:
        """Return the id by which callers ask for a task; always the same."""
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
