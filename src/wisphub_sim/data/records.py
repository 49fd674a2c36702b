"""Client records: each a function of the seed and its service id, so any number of them costs nothing."""

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
)
from wisphub_sim.draws import draws, pick
from wisphub_sim.oddities import ODDITIES

Record = dict[str, Any]
SECRET_PREFIX = "SIM-SECRET-"  # noqa: S105 - a mark that leak tests look for, no secret
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


def zone_of(seed: int, service_id: int) -> dict[str, Any]:
    """Return the zone a service lies in."""
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
