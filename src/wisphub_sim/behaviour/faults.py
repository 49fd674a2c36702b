"""Faults: what goes wrong, for which requests, and how often.

Theory of operation. A fault is active from `add` until `remove`, `clear` or `reset`. Each request goes
through the active faults in the order in which they were added, up to the first that strikes it. A fault
strikes a request if it covers it (method, path, kind), is not spent (`count` strikes so far) and a draw is
below its `share`. A spent fault strikes no more, but stays in the list, so that a test can read how often it
struck.

Each fault draws from its own generator, seeded by its id, so that one fault does not disturb another's draws.
"""

import itertools
import random
from typing import Literal, get_args

import msgspec

from wisphub_sim.behaviour.paths import TEMPLATES, covers, is_known
from wisphub_sim.settings import LONGEST_S

Kind = Literal["status", "hang", "slow_body", "drop", "truncate", "html", "shift", "bad_rows"]
KINDS: tuple[str, ...] = get_args(Kind)
_MODES = {"drop": ("before", "mid"), "shift": ("alternate", "insert", "delete")}
# The paths at which these kinds mean anything: only the list of subscribers shifts, only lists have rows.
_ONLY_AT = {
    "shift": {"/api/clientes/"},
    "bad_rows": {"/api/clientes/", "/api/plan-internet/", "/api/tickets/", "/api/formas-de-pago/"},
}
_METHODS = ("GET", "PUT", "POST")
_STATUSES = range(400, 600)
_MAX_ROWS = 1000


class InvalidFault(ValueError):
    """A fault with a value out of its range; the message names the field and what is allowed."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes wrong, and for which requests.

    Attributes:
        kind: One of `KINDS`.
        path: A template as the counts show it, a path, or a glob of either.
        method: The only method that it strikes; None: any.
        share: The share of the covered requests that it strikes, 0 to 1.
        count: The number of strikes after which it is spent; None: no limit.
        status: `status`: the status of the response, 400 to 599.
        retry_after_s: `status`: the `Retry-After` of the response; None: no such header.
        seconds: `hang`: the wait before the response, None: for ever; `slow_body`: the time that the
            body takes, None: 5.
        rows: `bad_rows`: the number of bad rows in a page; `shift`: the number of rows inserted or deleted.
        mode: `drop`: "before" any byte (default) or "mid" body; `shift`: "insert" at the front,
            "delete" there, or "alternate" (default).
    """

    kind: str
    path: str = "*"
    method: str | None = None
    share: float = 1.0
    count: int | None = None
    status: int = 500
    retry_after_s: float | None = None
    seconds: float | None = None
    rows: int = 3
    mode: str | None = None

    def covers(self, method: str, path: str) -> bool:
        """Return whether the fault concerns this request."""
        if self.kind in _ONLY_AT and (method != "GET" or path not in _ONLY_AT[self.kind]):
            return False
        return self.method in {None, method} and covers(self.path, path)

    def _has_path(self) -> bool:
        places = _ONLY_AT.get(self.kind)
        return places is None or any(covers(self.path, place) for place in places)

    def check(self) -> None:
        """Raise `InvalidFault` for the first value that is out of its range."""
        modes = _MODES.get(self.kind, ())
        rules = (
            ("kind", self.kind in KINDS, f"one of {', '.join(KINDS)}"),
            ("path", is_known(self.path), f"a glob that matches one of {', '.join(TEMPLATES)}"),
            ("path", self._has_path(), f"one of {', '.join(sorted(_ONLY_AT.get(self.kind, ())))}"),
            ("share", 0 <= self.share <= 1, "between 0 and 1"),
            ("count", self.count is None or self.count > 0, "null or 1 and more"),
            ("status", self.status in _STATUSES, "between 400 and 599"),
            ("method", self.method in {None, *_METHODS}, f"null or one of {', '.join(_METHODS)}"),
            ("retry_after_s", 0 <= (self.retry_after_s or 0) <= LONGEST_S, f"null or 0 to {LONGEST_S:g}"),
            ("seconds", 0 <= (self.seconds or 0) <= LONGEST_S, f"null or 0 to {LONGEST_S:g}"),
            ("rows", 0 < self.rows <= _MAX_ROWS, f"between 1 and {_MAX_ROWS}"),
            ("mode", self.mode in {None, *modes}, f"null or one of {', '.join(modes) or '(none)'}"),
        )
        for field, is_allowed, allowed in rules:
            if not is_allowed:
                raise InvalidFault(f"{field}: {getattr(self, field)!r} is not allowed; it must be {allowed}")


class Strike(msgspec.Struct, frozen=True):
    """One occurrence of a fault.

    Attributes:
        number: 0 for the first strike of its fault.
    """

    fault: Fault
    number: int


class _ActiveFault:
    def __init__(self, fault: Fault, rng: random.Random) -> None:
        self.fault = fault
        self.struck = 0
        self._rng = rng

    @property
    def is_spent(self) -> bool:
        return self.fault.count is not None and self.struck >= self.fault.count

    def strikes(self) -> bool:
        return not self.is_spent and self._rng.random() < self.fault.share


class ActiveFaults:
    """The active faults; the same seed, faults and requests produce the same strikes."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.reset()

    def clear(self) -> None:
        """Remove every fault."""
        self._active: dict[int, _ActiveFault] = {}

    def reset(self) -> None:
        """Remove every fault; the next one gets the id 1 again."""
        self.clear()
        self._ids = itertools.count(1)

    def add(self, fault: Fault) -> int:
        """Activate a fault and return its id.

        Raises:
            InvalidFault: A value is out of its range.
        """
        fault.check()
        fault_id = next(self._ids)
        self._active[fault_id] = _ActiveFault(fault, random.Random(f"{self._seed}/{fault_id}"))  # noqa: S311 - repeatable on purpose
        return fault_id

    def remove(self, fault_id: int) -> bool:
        """Remove a fault; return whether there was one with this id."""
        return self._active.pop(fault_id, None) is not None

    def listing(self) -> list[dict[str, object]]:
        """Return every fault, also the spent ones, with its id and its number of strikes."""
        return [self.describe(fault_id) for fault_id in self._active]

    def describe(self, fault_id: int) -> dict[str, object]:
        """Return one fault as `/_sim/faults` shows it."""
        active = self._active[fault_id]
        return {"id": fault_id, "struck": active.struck, **msgspec.structs.asdict(active.fault)}

    def strike(self, method: str, path: str) -> Strike | None:
        """Return the first fault, in the order of their ids, that strikes this request."""
        for active in self._active.values():
            if active.fault.covers(method, path) and active.strikes():
                active.struck += 1
                return Strike(active.fault, active.struck - 1)
        return None
