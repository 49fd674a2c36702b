"""Ping diagnostics: tasks that a caller starts and polls until they are done.

The state of a task depends on the number of its polls alone, never on time, so that tests need not wait:

| poll | status | result |
|---|---|---|
| 1 | PENDING | null |
| 2 | PROCESS | null |
| 3 and later | SUCCESS or FAILURE | see `_outcome` |
"""

import itertools
from typing import Any
from uuid import UUID

from wisphub_sim.data.people import REFERENCE_ID
from wisphub_sim.data.records import client_record

Result = list[dict[str, Any]] | str
_UNFINISHED = ("PENDING", "PROCESS")
_ANTENNA = "181.52.10.20"  # a public address, by which an antenna differs from a device


class PingTasks:
    """Every task that was started."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        """Delete every task."""
        self._numbers = itertools.count(1)
        self._polls: dict[str, itertools.count[int]] = {}
        self._outcomes: dict[str, tuple[str, Result]] = {}

    def start(self, service_id: int, pings: int) -> str:
        """Start a diagnostic and return the id of its task."""
        task_id = str(UUID(int=next(self._numbers) << 96 | 0x4000_8000_0000_0000_0000 | service_id))
        ip = client_record(self._seed, service_id)["ip"]
        self._outcomes[task_id] = _outcome(service_id, ip, pings)
        self._polls[task_id] = itertools.count()
        return task_id

    def poll(self, task_id: str) -> dict[str, Any] | None:
        """Count a poll and return the task's state, or None if there is no such task."""
        if task_id not in self._outcomes:
            return None
        poll = next(self._polls[task_id])
        status, result = (_UNFINISHED[poll], None) if poll < len(_UNFINISHED) else self._outcomes[task_id]
        return {"task": {"status": status, "result": result}}


def _outcome(service_id: int, ip: str, pings: int) -> tuple[str, Result]:
    """Return the final status and result of a task.

    Services 7 to 13 have seven different outcomes, and every seventh service has the same.
    """

    def answered(host: str) -> dict[str, str]:
        return {"host": host, "status": "", "received": str(pings)}

    def lost(host: str, status: str = "timeout") -> dict[str, str]:
        return {"host": host, "status": status, "received": "0"}

    device: object = lost(ip)
    antenna: object = lost(_ANTENNA)
    match (service_id - REFERENCE_ID) % 7:
        case 0:
            device, antenna = answered(ip), answered(_ANTENNA)
        case 1:
            antenna = answered(_ANTENNA)
        case 3:
            device = antenna = "Error de conexión con el router: timed out"
        case 4:
            return "FAILURE", "Router no disponible"
        case 5:
            device = answered("24:5A:4C:10:20:30")  # known by its MAC address
        case 6:
            antenna = lost(_ANTENNA, "host unreachable")
    # The summary always claims success: a client that counts it as a host reports dead services as live.
    return "SUCCESS", [{"ping-exitoso": answered("192.168.1.1")}, {"ping-1": device}, {"ping-2": antenna}]
