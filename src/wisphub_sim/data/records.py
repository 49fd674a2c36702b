"""The records of the subscribers, each a function of the seed and its service id alone.

No record has to be stored, so a simulator of 500,000 clients starts as fast as one of ten. One record in six
has an oddity: a value that is missing or of an unusual type, or a field that no documentation names.
"""

from collections.abc import Callable
from typing import Any

from wisphub_sim.data.catalogue import (
    PLANS,
    REFERENCE_PLAN,
    REFERENCE_ZONE,
    ROUTERS,
    TECHNICIANS,
    ZONES,
    Plan,
)
from wisphub_sim.data.people import REFERENCE_ID, Person, holder_of
from wisphub_sim.data.vocabulary import (
    ADDRESSES,
    ANTENNAS,
    CITIES,
    COMMENTS,
    INVOICE_STATES,
    PLACES,
    STATES,
    WIFI_ROUTERS,
    draws,
    pick,
)

Record = dict[str, Any]
SECRET_PREFIX = "SIM-SECRET-"  # noqa: S105 - no secret: the text that leak tests look for
_REFERENCE_FIELDS: Record = {
    "direccion": "BELLAVISTA",
    "localidad": "Bellavista",
    "ciudad": "Popayán",
    "saldo": "0.00",
    "estado": "Activo",
    "precio_plan": "40000.00",
    "tecnico": TECHNICIANS[0],
}


def client_record(seed: int, service_id: int) -> Record:
    """Return the whole record of a service, the reference record for service 7."""
    roll = draws(seed, "service", service_id)
    holder = holder_of(seed, service_id)
    plan = REFERENCE_PLAN if service_id == REFERENCE_ID else pick(PLANS, roll[0])
    record = {
        "id_servicio": service_id,
        **_identity(service_id, holder, roll),
        **_network(service_id, roll),
        **_equipment(service_id, holder, roll),
        **_contract(plan, roll),
        "zona": zone_of(seed, service_id),
        "router": pick(ROUTERS, roll[18]),
        "sectorial": None if roll[19] % 2 else {"id": 300 + roll[19] % 9, "nombre": "Sectorial Peñas 120°"},
        "tecnico": pick(TECHNICIANS, roll[20]),
    }
    if service_id == REFERENCE_ID:
        record.update(_REFERENCE_FIELDS)
    elif roll[30] % 6 == 0:
        pick(ODDITIES, roll[31])(record)
    return record


def balance(record: Record) -> Record:
    """Return the answer of `/saldo`: one paid invoice, and an open one if the record has a debt."""
    owed, service_id = str(record.get("saldo") or "0.00"), int(record["id_servicio"])
    invoices = [_invoice(service_id, "12/2025", "Pagada", "40000.00")]
    if float(owed):
        invoices.append(_invoice(service_id, "01/2026", "Pendiente de Pago", owed))
    return {"id_servicio": service_id, "nombre": record["nombre"], "saldo": owed, "facturas": invoices}


def zone_of(seed: int, service_id: int) -> dict[str, Any]:
    """Return the zone of a service."""
    if service_id == REFERENCE_ID:
        return REFERENCE_ZONE
    return pick(ZONES, draws(seed, "zone", service_id)[0])


def _identity(service_id: int, holder: Person, roll: tuple[int, ...]) -> Record:
    place = pick(PLACES, roll[1])
    login = f"{holder.login}{service_id}"
    return {
        "usuario": f"{login}@isp-demo",
        "nombre": holder.full_name,
        "email": "" if roll[2] % 3 else f"{login}@example.com",
        "cedula": holder.document,
        "direccion": pick(ADDRESSES, roll[3]).format(
            place=place, street=roll[4] % 80 + 1, number=roll[5] % 90 + 1, door=roll[6] % 90 + 10
        ),
        "localidad": place,
        "ciudad": pick(CITIES, roll[7]),
        "telefono": holder.phone,
        "descuento": "0.00",
        "saldo": "0.00" if roll[8] % 3 else f"{roll[8] * 3}.00",
        "rfc": None,
        "informacion_adicional": None if roll[9] % 4 else pick(COMMENTS, roll[9] // 4),
        "notificacion_sms": bool(roll[10] & 1),
        "aviso_pantalla": bool(roll[10] & 2),
        "notificaciones_push": bool(roll[10] & 4),
        "auto_activar_servicio": bool(roll[10] & 8),
        "firewall": bool(roll[10] & 16),
    }


def _network(service_id: int, roll: tuple[int, ...]) -> Record:
    return {
        "servicio": f"servicio-{service_id}",
        "password_servicio": f"{SECRET_PREFIX}service-{service_id}",
        "server_hotspot": "",
        "ip": f"10.{20 + (service_id >> 16)}.{service_id >> 8 & 255}.{service_id & 255}",
        "ip_local": None if roll[11] % 2 else "192.168.1.1",
        "estado": pick(STATES, roll[12]),
        "interfaz_lan": f"ether{2 + roll[13] % 4}",
        "coordenadas": f"2.{440000 + roll[14]},-76.{600000 + roll[15]}" if roll[14] % 5 else "",
        "comentarios": pick(COMMENTS, roll[15]) if roll[15] % 2 else "",
    }


def _equipment(service_id: int, holder: Person, roll: tuple[int, ...]) -> Record:
    mac = f"{roll[16] >> 8:02X}:{roll[16] & 255:02X}:{service_id >> 8 & 255:02X}:{service_id & 255:02X}"
    return {
        "modelo_antena": pick(ANTENNAS, roll[17]) or None,
        "password_cpe": f"{SECRET_PREFIX}cpe-{service_id}",
        "mac_cpe": f"24:5A:{mac}",
        "modelo_router_wifi": pick(WIFI_ROUTERS, roll[17] >> 8),
        "ip_router_wifi": "192.168.0.1",
        "mac_router_wifi": f"50:C7:{mac}",
        "usuario_router_wifi": "admin",
        "password_router_wifi": f"{SECRET_PREFIX}router-{service_id}",
        "ssid_router_wifi": f"Familia {holder.surnames or holder.first_names}",
        "password_ssid_router_wifi": f"{SECRET_PREFIX}wifi-{service_id}",
        "sn_onu": f"HWTC{roll[16]:04X}{service_id & 0xFFFF:04X}",
    }


def _contract(plan: Plan, roll: tuple[int, ...]) -> Record:
    day, month, year = roll[21] % 28 + 1, roll[22] % 12 + 1, 2015 + roll[23] % 10
    return {
        "costo_instalacion": "0.00" if roll[24] % 2 else "80000.00",
        "precio_plan": f"{plan.price:.2f}",
        "forma_contratacion": "Contrato a 12 meses" if roll[24] % 3 else "Sin permanencia",
        "estado_facturas": pick(INVOICE_STATES, roll[25]),
        "fecha_instalacion": f"{day:02d}/{month:02d}/{year} {8 + roll[26] % 10:02d}:{roll[27] % 60:02d}:00",
        "fecha_cancelacion": None,
        "fecha_corte": f"{roll[28] % 28 + 1}/{month:02d}/2026",
        "ultimo_cambio": f"{day:02d}/{month:02d}/2025 {roll[29] % 24:02d}:{roll[27] % 60:02d}:12",
        "plan_internet": {"id": plan.id, "nombre": plan.nombre},
    }


def _invoice(service_id: int, month: str, state: str, total: str) -> Record:
    return {
        "id_factura": service_id * 100 + int(month[:2]),
        "fecha_emision": f"01/{month}",
        "fecha_vencimiento": f"10/{month}",
        "estado": state,
        "total": total,
    }


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


# An oddity may remove a document or phone, never replace it: the index for exact filters has the holder's.
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
