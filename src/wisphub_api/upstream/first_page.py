"""One page of the clients: can what WispHub Net gives be read, and what of it is there?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from wisphub_api.clients.models import Client
from wisphub_api.upstream.client import WispHubNet
from wisphub_api.upstream.paging import PAGE_LIMIT
from wisphub_api.upstream.wire import ClientRow, ClientWire, Page, PageReader, to_client_row

_FIRST: Final = {"offset": 0, "limit": PAGE_LIMIT}


async def first_clients(net: WispHubNet) -> Page[ClientRow]:
    """Read the first page of the list of clients."""
    return await net.read("/api/clientes/", _FIRST, PageReader(ClientWire, to_client_row))


def never_filled(clients: Sequence[Client]) -> list[str]:
    """Name the fields that no client has a value in."""
    names = [field.name for field in msgspec.structs.fields(Client)]
    return [name for name in names if all(getattr(client, name) is None for client in clients)]
