"""WispHub Net's records as they come, and what becomes of them.

Types are as loose as the upstream's: numbers come as strings or numbers, nested objects may be null
or missing, unknown keys appear. A page is decoded whole; only where a row does not fit is it read
again row by row: a field that does not fit is dropped, a row without a usable id is set aside.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from wisphub_api.clients.models import Client
from wisphub_api.exceptions import UpstreamUnreadable
from wisphub_api.internet_plans.models import InternetPlan

W = TypeVar("W", bound=Struct)
R = TypeVar("R")
logger = logging.getLogger(__name__)
_CLIENTS: Final = msgspec.json.Decoder(Client)

Text = str | int | float | bool | None
Number = Annotated[int, Meta(ge=-(2**63) + 1, le=2**63 - 1)]
"""An id; what 64 bits do not hold is none."""


class Ref(Struct, gc=False):
    """A nested object, of which only number and name matter."""

    id: Number | None = None
    nombre: Text = None


class ClientWire(Struct, gc=False):
    """A row of `/api/clientes/`, less what must never leave it (passwords, routers' secrets)."""

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


class PlanWire(Struct):
    """A row of `/api/plan-internet/`."""

    id: int
    nombre: Text = None
    tipo: Text = None


class PlanDetailWire(Struct):
    """The answer of `/api/plan-internet/pppoe/{id}/` and `/queue/{id}/`."""

    precio: Text = None
    bajada: Text = None
    subida: Text = None


class ClientRow(Struct, frozen=True, gc=False):
    """A client as JSON, which takes a fraction of its memory, with the number of its plan."""

    service_id: int
    plan_id: int | None
    json: bytes

    @property
    def client(self) -> Client:
        """The client itself, made anew each time."""
        return _CLIENTS.decode(self.json)


class Page(Struct, Generic[R], frozen=True):
    """One page of a list; a row that was set aside is None, so that positions hold.

    Attributes:
        count: How many rows the whole list has, as the upstream says.
        rows: The page's rows in their order.
    """

    count: int
    rows: tuple[R | None, ...]


class _WholePage(Struct, Generic[W]):
    count: int
    results: list[W]


class _LoosePage(Struct):
    count: int
    results: list[Any]


class PageReader(Generic[W, R]):
    """Reads pages of one kind of row.

    Args:
        wire: The row as it comes.
        model: Makes of it what the service keeps.
    """

    def __init__(self, wire: type[W], model: Callable[[W], R]) -> None:
        self._wire = wire
        self._model = model
        self._pages = msgspec.json.Decoder(_WholePage[wire], strict=False)  # type: ignore[valid-type]  # made at run time

    def __call__(self, body: bytes) -> Page[R]:
        """Decode one page.

        Raises:
            UpstreamUnreadable: It is no JSON, or no page.
        """
        try:
            page = self._pages.decode(body)
            return Page(page.count, tuple(map(self._model, page.results)))
        except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
            return self._read_row_by_row(body)

    def _read_row_by_row(self, body: bytes) -> Page[R]:
        """Read a page that does not fit, with a decoder that takes what real servers send.

        Bare NaN, lone surrogates, stray bytes of another encoding and endless numbers spoil a field, not
        the page.
        """
        try:
            loose = json.loads(body.decode(errors="replace"), parse_constant=_nothing, parse_int=_int)
            page = msgspec.convert(loose, _LoosePage)
        except (ValueError, RecursionError) as error:
            raise UpstreamUnreadable("WispHub Net answered with something that is not a list") from error
        rows = tuple(map(self._read_row, page.results))
        if rows and 2 * rows.count(None) > len(rows):
            raise UpstreamUnreadable("WispHub Net answered with rows of which most have no usable id")
        return Page(page.count, rows)

    def _read_row(self, row: Any) -> R | None:
        """Keep of a row what fits; None without a usable id."""
        given = row if isinstance(row, dict) else {}
        kept: dict[str, Any] = {}
        for field in msgspec.structs.fields(self._wire):
            try:
                kept[field.name] = msgspec.convert(given[field.name], field.type, strict=False)
            except (KeyError, ValueError):
                if field.required:
                    return None
        return self._model(self._wire(**kept))


def decode(body: bytes, kind: type[R]) -> R:
    """Decode a whole answer.

    Raises:
        UpstreamUnreadable: It is no JSON, or not of this kind.
    """
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except (ValueError, RecursionError) as error:
        raise UpstreamUnreadable("WispHub Net answered with something that is not what was asked") from error


def to_client_row(wire: ClientWire) -> ClientRow:
    """Map a client's record to the client that the API shows."""
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
        cut_off_date=_date(clean_text(wire.fecha_corte)),
        outstanding_balance=_amount(wire.saldo),
        lan_interface=clean_text(wire.interfaz_lan),
        internet_plan_name=clean_text(plan.nombre),
        internet_plan_price=_price(wire.precio_plan),
        technician_id=technician.id,
    )
    return row_of(client, plan.id)


def row_of(client: Client, plan_id: int | None) -> ClientRow:
    """Make a row of a client."""
    return ClientRow(client.service_id, plan_id, msgspec.json.encode(client))


def to_plan(wire: PlanWire) -> InternetPlan:
    """Map a plan's row, which holds neither price nor speeds."""
    return InternetPlan(plan_id=wire.id, name=clean_text(wire.nombre), type=clean_text(wire.tipo))


def with_detail(plan: InternetPlan, wire: PlanDetailWire) -> InternetPlan:
    """Add price and speeds."""
    return msgspec.structs.replace(
        plan,
        price=_price(wire.precio),
        download_speed=clean_text(wire.bajada),
        upload_speed=clean_text(wire.subida),
    )


_NOTHING: Final = Ref()
_LONGEST_INT: Final = 18
"""Digits; more are no number that anyone means, and 64 bits do not hold them."""


def _int(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_INT else None


def _nothing(_: str) -> None:
    """Read NaN and the infinities as null."""


def clean_text(value: Text) -> str | None:
    """Give text trimmed; blank means unknown, and 3001234567.0 is a number someone typed."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    if text.isascii():
        return text or None
    return text.encode(errors="replace").decode()  # a lone surrogate could not be sent on


def _amount(value: Text) -> float | None:
    try:
        amount = float(value) if value is not None else math.nan
    except (ValueError, OverflowError):
        return None
    return amount if math.isfinite(amount) else None


def _price(value: Text) -> float | None:
    """Give a price; blank and zero mean unknown."""
    return _amount(value) or None


@lru_cache(maxsize=4096)  # a provider has a handful of cut-off dates
def _date(text: str | None) -> dt.date | None:
    """Read `D/MM/YYYY`, with or without a time after it."""
    match = re.match(r"(\d{1,2})/(\d{1,2})/(\d{4})\b", text or "")
    if not match:
        return None
    day, month, year = map(int, match.groups())
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
