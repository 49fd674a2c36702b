"""Clients to look for."""

from collections.abc import Callable

import pytest

from wisphub_api.clients.models import Client
from wisphub_api.clients.snapshot.records import ClientRow
from wisphub_api.clients.upstream import ClientWire, to_client_row

MakeRow = Callable[..., ClientRow]
MakeClient = Callable[..., Client]


@pytest.fixture
def make_row() -> MakeRow:
    """Make a row from WispHub Net's field names."""
    return lambda service_id, **fields: to_client_row(ClientWire(id_servicio=service_id, **fields))


@pytest.fixture
def make_client(make_row) -> MakeClient:
    """Make a client from the API's field names."""

    def make(**fields) -> Client:
        blank = make_row(1).client
        values = {name: getattr(blank, name) for name in blank.__struct_fields__}
        return Client(**(values | fields))

    return make
