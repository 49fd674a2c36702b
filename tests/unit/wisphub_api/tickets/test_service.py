"""What a ticket is made of: the request, the client's record, the rules and the time."""

import datetime as dt
from typing import Any

import msgspec
import pytest

from wisphub_api.clients.upstream import ClientWire, Ref, to_client_row
from wisphub_api.exceptions import InvalidRequest
from wisphub_api.tickets.due_date import COLOMBIA, colombian_days_off
from wisphub_api.tickets.models import TicketRequest
from wisphub_api.tickets.service import Rules, make_order

CLIENT = to_client_row(ClientWire(id_servicio=7, zona=Ref(id=5), tecnico=Ref(id=91))).client
NOBODYS = msgspec.structs.replace(CLIENT, technician_id=None)
REQUEST = TicketRequest(service_id=7, subject="internet lento", description=" Muy lento\ndesde ayer ")
RULES = Rules(status=2, resolution_days=3, days_off=colombian_days_off())
NOW = dt.datetime(2026, 11, 23, 15, 15, 59, tzinfo=dt.UTC)


def order(client: Any = CLIENT, **changes: Any) -> Any:
    return make_order(msgspec.structs.replace(REQUEST, **changes), client, RULES, NOW)


def refused_field(client: Any = CLIENT, **changes: Any) -> str:
    with pytest.raises(InvalidRequest) as raised:
        order(client, **changes)
    return raised.value.field


def test_priority_zone_technician_and_dates_are_found_out():
    made = order()
    assert (made.subject, made.priority, made.zone_id, made.technician_id) == ("Internet Lento", 2, 5, 91)
    assert (made.status, made.description) == (2, "Muy lento\ndesde ayer")
    assert made.starts_at == dt.datetime(2026, 11, 23, 10, 15, tzinfo=COLOMBIA)  # upstream knows minutes
    assert made.due_at == dt.datetime(2026, 11, 26, 10, 15, tzinfo=COLOMBIA)


def test_a_technician_who_is_named_sees_to_it():
    assert order(technician_id=92).technician_id == 92
    assert order(NOBODYS, technician_id=92).technician_id == 92


def test_a_client_without_a_technician_needs_one_to_be_named():
    assert refused_field(NOBODYS) == "technician_id"


@pytest.mark.parametrize("text", ["", " \n ", "a\x00b", "a\x1bb", "\x7f"])
def test_a_description_that_says_nothing_or_holds_control_characters_is_refused(text):
    assert refused_field(description=text) == "description"


def test_an_unknown_subject_is_refused():
    assert refused_field(subject="Otro") == "subject"
