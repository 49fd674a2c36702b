"""Ping diagnostics: started as a task, finished some polls later."""

import itertools
from collections.abc import Callable
from typing import Any
from uuid import UUID

from wisphub_sim.data.people import REFERENCE_ID
from wisphub_sim.data.records import client_record

Result = list[dict[str, Any]] | str
_PENDING_STATES = ("PENDING", "PROCESS")  # what the first polls see
_LOST = {"status": "timeout", "received": "0"}


class PingTasks:
    """Tasks whose outcome depends on the service id alone: seven in turn, from the reference record's.

    Services 7, 14, 21, … have a device that answers; 8, 15, … only an antenna; 9 nothing; 10 a router
    error; 11 a failed task; 12 a device known by its MAC; 13 an antenna that is `host unreachable`.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        """Forget every task."""
        self._numbers = itertools.count(1)
        self._polls: dict[str, itertools.count[int]] = {}
        self._results: dict[str, tuple[str, Result]] = {}

    def start(self, service_id: int, pings: int) -> str:
        """Start a diagnostic and return its task's id."""
        task_id = str(UUID(int=next(self._numbers) << 96 | 0x4000_8000_0000_0000_0000 | service_id))
        ip = client_record(self._seed, service_id)["ip"]
        outcome = _OUTCOMES[(service_id - REFERENCE_ID) % len(_OUTCOMES)]
        self._results[task_id] = outcome(ip, pings)
        self._polls[task_id] = itertools.count()
        return task_id

    def poll(self, task_id: str) -> dict[str, Any] | None:
        """Return a task as of this poll: pending, then in process, then done; nothing if unknown."""
        if task_id not in self._results:
            return None
        poll = next(self._polls[task_id])
        if poll < len(_PENDING_STATES):
            return {"task": {"status": _PENDING_STATES[poll], "result": None}}
        status, result = self._results[task_id]
        return {"task": {"status": status, "result": result}}


def _answered(host: str, pings: int) -> dict[str, str]:
    return {"host": host, "status": "", "received": str(pings)}


def _result(pings: int, device: object, antenna: object) -> tuple[str, Result]:
    # The summary always claims success: whoever counts it as a host is wrong about services that are down.
    summary = {"host": "192.168.1.1", "status": "", "received": str(pings)}
    return "SUCCESS", [{"ping-exitoso": summary}, {"ping-1": device}, {"ping-2": antenna}]


def _device(ip: str, pings: int) -> tuple[str, Result]:
    return _result(pings, _answered(ip, pings), _answered(_ANTENNA, pings))


def _antenna_only(ip: str, pings: int) -> tuple[str, Result]:
    return _result(pings, {"host": ip, **_LOST}, _answered(_ANTENNA, pings))


def _nothing(ip: str, pings: int) -> tuple[str, Result]:
    return _result(pings, {"host": ip, **_LOST}, {"host": _ANTENNA, **_LOST})


def _router_error(_ip: str, pings: int) -> tuple[str, Result]:
    error = "Error de conexión con el router: timed out"
    return _result(pings, error, error)


def _failed(_ip: str, _pings: int) -> tuple[str, Result]:
    return "FAILURE", "Router no disponible"


def _device_by_mac(_ip: str, pings: int) -> tuple[str, Result]:
    return _result(pings, _answered("24:5A:4C:10:20:30", pings), {"host": _ANTENNA, **_LOST})


def _antenna_unreachable(ip: str, pings: int) -> tuple[str, Result]:
    unreachable = {"host": _ANTENNA, "status": "host unreachable", "received": "0"}
    return _result(pings, {"host": ip, **_LOST}, unreachable)


_ANTENNA = "181.52.10.20"  # a public address: the antenna, as the upstream's users tell it
_OUTCOMES: tuple[Callable[[str, int], tuple[str, Result]], ...] = (
    _device,
    _antenna_only,
    _nothing,
    _router_error,
    _failed,
    _device_by_mac,
    _antenna_unreachable,
)
