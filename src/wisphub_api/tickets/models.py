"""The requests and responses of the tickets."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from msgspec import Meta, Struct

Priority = Annotated[int, Meta(description="1 low, 2 normal, 3 high, 4 very high", examples=[2])]
LARGEST_ID = 2**31 - 1


class SubjectGroup(Struct, frozen=True):
    """The subjects of one priority."""

    priority: Priority
    level: Annotated[str, Meta(examples=["normal"])]
    subjects: Annotated[tuple[str, ...], Meta(examples=[["Internet Lento"]])]


class TicketRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A ticket to be opened."""

    service_id: Annotated[
        int, Meta(ge=0, le=LARGEST_ID, description="WispHub Net's number of the service", examples=[7])
    ]
    subject: Annotated[
        str,
        Meta(
            max_length=200,
            description="one of /api/v1/tickets/subjects; case, accents and spacing do not count",
            examples=["Internet Lento"],
        ),
    ]
    description: Annotated[
        str, Meta(max_length=5000, description="in the client's words", examples=["Muy lento desde ayer"])
    ]
    technician_id: (
        Annotated[
            int,
            Meta(ge=1, le=LARGEST_ID, description="who sees to it; default: the client's own technician"),
        ]
        | None
    ) = None


class TicketOrder(Struct, frozen=True):
    """A ticket to be sent to WispHub Net; times are in Colombia's zone."""

    service_id: int
    zone_id: int | None
    technician_id: int
    subject: str
    priority: int
    description: str
    status: int
    starts_at: dt.datetime
    due_at: dt.datetime


class Ticket(Struct, frozen=True):
    """A support ticket. What WispHub Net does not know, or does not return, is null."""

    ticket_id: Annotated[int, Meta(description="WispHub Net's number of the ticket")]
    service_id: int | None
    zone_id: int | None
    technician_id: int | None
    subject: Annotated[str | None, Meta(examples=["Internet Lento"])]
    priority: Annotated[int | None, Meta(description="1 low, 2 normal, 3 high, 4 very high", examples=[2])]
    status: Annotated[str | None, Meta(description="as WispHub Net has it", examples=["1"])]
    description: str | None
    answer: Annotated[str | None, Meta(description="the latest answer to it")]
    starts_at: Annotated[dt.datetime | None, Meta(description="ISO 8601, Colombian time")]
    due_at: Annotated[dt.datetime | None, Meta(description="ISO 8601, Colombian time")]


class ZoneState(Struct, frozen=True):
    """Whether a zone takes another ticket."""

    zone_id: int
    is_blocked: Annotated[bool, Meta(description="true where it holds as many open tickets as it may")]
    open_tickets: int
    limit: int
