"""What is wrong with a record in six: values that are missing, of an odd type, or new."""

from collections.abc import Callable
from typing import Any

Record = dict[str, Any]


def _setter(field: str, value: object) -> Callable[[Record], None]:
    def set_field(record: Record) -> None:
        record[field] = value

    return set_field


def _dropper(field: str) -> Callable[[Record], None]:
    def drop_field(record: Record) -> None:
        del record[field]

    return drop_field


def _id_as_text(record: Record) -> None:
    record["id_servicio"] = str(record["id_servicio"])


def _document_as_number(record: Record) -> None:
    if record["cedula"].isdigit():
        record["cedula"] = int(record["cedula"])


def _price_as_number(record: Record) -> None:
    record["precio_plan"] = float(record["precio_plan"])


def _balance_as_number(record: Record) -> None:
    record["saldo"] = float(record["saldo"])


def _plan_id_as_text(record: Record) -> None:
    record["plan_internet"] = record["plan_internet"] | {"id": str(record["plan_internet"]["id"])}


def _name_with_stray_blanks(record: Record) -> None:
    record["nombre"] = f" {record['nombre'].replace(' ', '  ')} "


# No oddity gives a document or a phone another text: exact filters look them up by the holder's.
ODDITIES: tuple[Callable[[Record], None], ...] = (
    _id_as_text,
    _document_as_number,
    _price_as_number,
    _balance_as_number,
    _plan_id_as_text,
    _name_with_stray_blanks,
    _setter("precio_plan", ""),
    _setter("precio_plan", "0"),
    _setter("precio_plan", "0.00"),
    _setter("precio_plan", None),
    _setter("plan_internet", None),
    _setter("zona", None),
    _setter("router", None),
    _setter("tecnico", None),
    _setter("telefono", ""),
    _setter("telefono", None),
    _setter("cedula", ""),
    _setter("direccion", None),
    _setter("firewall", "true"),
    _setter("zona", {"id": None, "nombre": ""}),
    _setter("etiquetas", ["vip", {"color": "#ff0000"}]),
    _setter("fecha_corte", "0000-00-00"),
    _dropper("telefono"),
    _dropper("zona"),
    _dropper("tecnico"),
    _dropper("plan_internet"),
    _dropper("localidad"),
    _dropper("saldo"),
)
