"""What the API says of a ping diagnostic, and what it is asked."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

Status = Literal["stable", "antenna_only", "no_internet", "pending", "error"]
FINISHED_WELL: Final = frozenset({"stable", "antenna_only", "no_internet"})


class PingOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """How to ping."""

    pings: Annotated[
        int, Meta(ge=1, le=10, description="how many packets each host is sent", examples=[4])
    ] = 4


class Diagnosis(Struct, frozen=True):
    """How far a diagnostic is, or what it found."""

    task_id: Annotated[str, Meta(description="by which its result is asked for")]
    status: Annotated[
        Status,
        Meta(
            description="stable: the subscriber's device answers; antenna_only: only the antenna does; "
            "no_internet: nothing answers; pending: still running; error: nothing could be found out"
        ),
    ]


class HostReport(Struct, frozen=True):
    """What one host said to a ping.

    Attributes:
        host: An IP address or a MAC, as written upstream.
        has_answered: Whether anything came back.
    """

    host: str
    has_answered: bool


class PingReport(Struct, frozen=True):
    """A diagnostic as WispHub Net reports it.

    Attributes:
        is_running: There is no result yet.
        hosts: What each host said.
        errors: How many lines of the result are an error of the router's instead.
    """

    is_running: bool = False
    hosts: tuple[HostReport, ...] = ()
    errors: int = 0
