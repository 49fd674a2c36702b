"""The requests and responses of the ping diagnostics."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

Status = Literal["stable", "antenna_only", "no_internet", "pending", "error"]
FINISHED_WELL: Final = frozenset({"stable", "antenna_only", "no_internet"})


class PingOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """The options of a ping."""

    pings: Annotated[
        int, Meta(ge=1, le=10, description="how many packets each host is sent", examples=[4])
    ] = 4


class Diagnosis(Struct, frozen=True):
    """The state of a diagnostic, with its result once there is one."""

    task_id: Annotated[str, Meta(description="by which its result is asked for")]
    status: Annotated[
        Status,
        Meta(
            description="stable: the subscriber's device answers; antenna_only: only the antenna does; "
            "no_internet: nothing answers; pending: still running; error: nothing could be found out"
        ),
    ]


class HostReport(Struct, frozen=True):
    """The result of pinging one host.

    Attributes:
        host: An IP address or a MAC, as written upstream.
        has_answered: Whether it replied.
    """

    host: str
    has_answered: bool


class PingReport(Struct, frozen=True):
    """A diagnostic as WispHub Net reports it.

    Attributes:
        is_running: There is no result yet.
        hosts: The result of each host.
        errors: How many lines of the result are errors of the router instead of hosts.
    """

    is_running: bool = False
    hosts: tuple[HostReport, ...] = ()
    errors: int = 0
