"""One fault: what goes wrong, and for which requests."""

from typing import Literal, get_args

import msgspec

from wisphub_sim.behaviour.paths import TEMPLATES, covers, is_known
from wisphub_sim.settings import LONGEST_S

Kind = Literal["status", "hang", "slow_body", "drop", "truncate", "html", "shift", "bad_rows"]
KINDS: tuple[str, ...] = get_args(Kind)
_MODES = {"drop": ("before", "mid"), "shift": ("alternate", "insert", "delete")}
# Where some kinds mean anything: only the subscribers' list moves, only lists have rows.
_ONLY_AT = {
    "shift": {"/api/clientes/"},
    "bad_rows": {"/api/clientes/", "/api/plan-internet/", "/api/tickets/", "/api/formas-de-pago/"},
}
_METHODS = ("GET", "PUT", "POST")
_STATUSES = range(400, 600)
_MAX_ROWS = 1000


class InvalidFault(ValueError):
    """A fault that cannot be set; the message names the field and what is allowed."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes wrong, and for which requests.

    Attributes:
        kind: One of `KINDS`.
        path: A template as the counts show it, a path, or a glob of either.
        method: The method it is limited to; None: any.
        share: Which part of the requests it strikes, 0 to 1.
        count: How many times it strikes; None: until it is removed.
        status: `status`: what it answers with, 400 to 599.
        retry_after_s: `status`: what `Retry-After` says; None: there is none.
        seconds: `hang`: how long before the answer comes, None: never; `slow_body`: how long the
            body takes, None: 5.
        rows: `bad_rows`: how many rows of a page are spoilt; `shift`: by how many rows it moves.
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
        """Say whether a request may be struck at all."""
        if self.kind in _ONLY_AT and (method != "GET" or path not in _ONLY_AT[self.kind]):
            return False
        return self.method in {None, method} and covers(self.path, path)

    def _has_a_place(self) -> bool:
        places = _ONLY_AT.get(self.kind)
        return places is None or any(covers(self.path, place) for place in places)

    def check(self) -> None:
        """Raise `InvalidFault` for the first value that is out of its range."""
        modes = _MODES.get(self.kind, ())
        rules = (
            ("kind", self.kind in KINDS, f"one of {', '.join(KINDS)}"),
            ("path", is_known(self.path), f"a glob that matches one of {', '.join(TEMPLATES)}"),
            ("path", self._has_a_place(), f"one of {', '.join(sorted(_ONLY_AT.get(self.kind, ())))}"),
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
        number: 0 for a fault's first strike.
    """

    fault: Fault
    number: int
