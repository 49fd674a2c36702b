"""WispHub Net's clients: the calls for the list, one client and a profile, and their wire records.

A profile is the part of a client's record that can be changed through WispHub Net's API.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Final

from msgspec import UNSET, Struct

from wisphub_api.clients.models import Client, ProfileUpdate
from wisphub_api.clients.snapshot.builder import SnapshotBuilder
from wisphub_api.clients.snapshot.records import NO_RECORDS, ClientRow, Records, row_of
from wisphub_api.upstream.client import Content, WispHubNet
from wisphub_api.upstream.paging import PAGE_LIMIT
from wisphub_api.upstream.wire import Number, Page, PageReader, Text, clean_text, decode, to_amount, to_price

LIST: Final = "/api/clientes/"
_PROFILE: Final = "/api/clientes/{service_id}/perfil/"
_PROFILE_FIELDS: Final = {
    "document": "cedula",
    "address": "direccion",
    "locality": "localidad",
    "city": "ciudad",
    "phone": "telefono",
}


class Ref(Struct, gc=False):
    """A nested object, of which only id and name are used."""

    id: Number | None = None
    nombre: Text = None


class ClientWire(Struct, gc=False):
    """A row of `/api/clientes/`, without the fields that must not be read (passwords, routers' secrets)."""

    id_servicio: Number
    nombre: Text = None
    cedula: Text = None
    telefono: Text = None
    direccion: Text = None
    ciudad: Text = None
    localidad: Text = None
    estado: Text = None
    zona: Ref | None = None
    ip: Text = None
    fecha_corte: Text = None
    saldo: Text = None
    interfaz_lan: Text = None
    plan_internet: Ref | None = None
    precio_plan: Text = None
    tecnico: Ref | None = None


class _ProfileWire(Struct):
    """The used part of a profile: the two halves of the name, which the list shows as one."""

    nombre: Text = None
    apellidos: Text = None


async def read_clients(net: WispHubNet, known: Records = NO_RECORDS) -> SnapshotBuilder:
    """Return all clients; raise rather than return a part. Clients that are `known` are not copied."""
    return await net.crawl_into(lambda: SnapshotBuilder(known), LIST, _PAGES, lambda row: row.service_id)


async def read_first_clients(net: WispHubNet) -> Page[ClientRow]:
    """Return the first page of the list."""
    return await net.read(LIST, {"offset": 0, "limit": PAGE_LIMIT}, _PAGES)


async def find_client(net: WispHubNet, service_id: int) -> Client | None:
    """Return one client.

    The upstream ignores an unknown filter and answers with the whole list, so the row is searched for by its
    id instead of taken as the first.
    """
    page = await net.read(LIST, {"id_servicio": service_id}, _PAGES)
    rows = (row for row in page.rows if row is not None)
    return next((row.client for row in rows if row.service_id == service_id), None)


async def write_profile(net: WispHubNet, service_id: int, update: ProfileUpdate) -> None:
    """Change a client's profile, without retries.

    Raises:
        UpstreamUncertain: It may have been changed.
        UpstreamError: It was not changed.
    """
    fields = {theirs: getattr(update, ours) for ours, theirs in _PROFILE_FIELDS.items()}
    if update.name is not UNSET:
        profile = await net.read(_PROFILE, {}, _read_profile, service_id=service_id)
        first, last = clean_text(profile.nombre) or "", clean_text(profile.apellidos) or ""
        fields["nombre"], fields["apellidos"] = split_name(update.name, first, last)
    if update.outstanding_balance is not UNSET:
        fields["saldo"] = f"{update.outstanding_balance:.2f}"
    changed = {name: value for name, value in fields.items() if value is not UNSET}
    await net.write("PUT", _PROFILE, Content(json=changed), _read_answer, service_id=service_id)


def split_name(name: str, first: str, last: str) -> tuple[str, str]:
    """Split a whole name into first names and surnames, as the record splits the present name.

    A half that is the same is kept. Otherwise the surnames keep their number of words: none if the provider
    writes whole names into the first field.

    Args:
        name: The new name, single-spaced.
        first: The first names as they are.
        last: The surnames as they are.
    """
    if first and last and name.startswith(f"{first} "):
        return first, name[len(first) + 1 :]
    words = name.split(" ")
    surnames = min(len(last.split()), len(words) - 1)
    cut = len(words) - surnames
    return " ".join(words[:cut]), " ".join(words[cut:])


def to_client_row(wire: ClientWire) -> ClientRow:
    """Map a record to the API's client."""
    plan, zone, technician = wire.plan_internet or _NOTHING, wire.zona or _NOTHING, wire.tecnico or _NOTHING
    client = Client(
        service_id=wire.id_servicio,
        name=clean_text(wire.nombre),
        document=clean_text(wire.cedula),
        phone=clean_text(wire.telefono),
        address=clean_text(wire.direccion),
        city=clean_text(wire.ciudad),
        locality=clean_text(wire.localidad),
        payment_status=clean_text(wire.estado),
        zone_id=zone.id,
        antenna_ip=clean_text(wire.ip),
        cut_off_date=_to_date(clean_text(wire.fecha_corte)),
        outstanding_balance=to_amount(wire.saldo),
        lan_interface=clean_text(wire.interfaz_lan),
        internet_plan_name=clean_text(plan.nombre),
        internet_plan_price=to_price(wire.precio_plan),
        technician_id=technician.id,
    )
    return row_of(client, plan.id)


@lru_cache(maxsize=4096)  # a provider has few different cut-off dates
def _to_date(text: str | None) -> dt.date | None:
    """Parse `D/MM/YYYY`, with or without a time after it."""
    match = re.match(r"(\d{1,2})/(\d{1,2})/(\d{4})\b", text or "")
    if not match:
        return None
    day, month, year = map(int, match.groups())
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _read_profile(body: bytes) -> _ProfileWire:
    return decode(body, _ProfileWire)


def _read_answer(body: bytes) -> None:
    """Accept the profile, or no content (204); anything else is a proxy's, and the outcome is uncertain."""
    if body:
        decode(body, _ProfileWire)


_NOTHING: Final = Ref()
_PAGES: Final = PageReader(ClientWire, to_client_row)
