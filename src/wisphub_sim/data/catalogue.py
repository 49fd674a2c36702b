"""The provider's fixed tables: plans, zones, routers, technicians, payment methods."""

from typing import Any, Literal

import msgspec


class Plan(msgspec.Struct, frozen=True):
    """An internet plan, its speeds as MikroTik writes them: `5M` or `3072k` bit/s."""

    id: int
    nombre: str
    tipo: Literal["PPPOE", "SIMPLE QUEUE", "PCQ"]
    precio: str | float
    bajada: str = ""
    subida: str = ""

    @property
    def price(self) -> float:
        """Return the monthly price in pesos."""
        return float(self.precio)


PLANS = (
    Plan(11, "Plan Hogar 5 Megas", "SIMPLE QUEUE", "40000.00", "5M", "2M"),
    Plan(12, "Plan Hogar 10 Megas", "SIMPLE QUEUE", "55000.00", "10M", "4M"),
    Plan(13, "Plan Rural 3 Megas", "SIMPLE QUEUE", 35000, "3072k", "1024k"),
    Plan(14, "Plan Campesino", "SIMPLE QUEUE", "32500.50", "2048k", "512k"),
    Plan(21, "Fibra Óptica 50 Megas", "PPPOE", "60000.00", "50M", "50M"),
    Plan(22, "Fibra Óptica 100 Megas", "PPPOE", 75000.0, "100M", "100M"),
    Plan(23, "Fibra Óptica 200 Megas", "PPPOE", "95000.00", "200M", "100M"),
    Plan(24, "Fibra Niños y Estudio 30M", "PPPOE", "49900.00", "30M", "30M"),
    Plan(25, "EMPRESARIAL 300M", "PPPOE", "180000.00", "300M", "300M"),
    Plan(31, "PCQ Económico", "PCQ", "30000.00"),
    Plan(32, "PCQ Estándar", "PCQ", "45000.00"),
    Plan(33, "PCQ Cortesía", "PCQ", "0.00"),
)
REFERENCE_PLAN = PLANS[0]
DETAIL_TYPES = {"pppoe": "PPPOE", "queue": "SIMPLE QUEUE"}

_ZONE_NAMES = (
    *("Centro", "Norte", "Vereda La Palma", "El Carmen", "Bellavista", "Cañaveral"),
    *("Peñas Blancas", "San José", "La Unión", "El Rincón", "Santa Bárbara", "Torre Alta"),
)
ZONES: tuple[dict[str, Any], ...] = tuple(
    {"id": number, "nombre": name} for number, name in enumerate(_ZONE_NAMES, start=1)
)
REFERENCE_ZONE = ZONES[4]
ROUTERS = tuple(
    {
        "id": 40 + number,
        "nombre": f"CCR-{name}",
        "falla_general": bool(fault),
        "falla_general_descripcion": fault,
    }
    for number, name, fault in (
        (1, "Centro", None),
        (2, "Norte", None),
        (3, "Peñas", "Corte de fibra en la troncal, en reparación"),
        (4, "Torre Alta", None),
    )
)
TECHNICIANS = tuple(
    {"id": 90 + number, "nombre": name}
    for number, name in enumerate(("Yesid Muñoz", "Andrés Peña", "Leidy Córdoba", "Óscar Ñustes"), start=1)
)
PAYMENT_METHODS: tuple[dict[str, Any], ...] = tuple(
    {"id": number, "nombre": name}
    for number, name in enumerate(
        ("Efectivo", "Nequi", "Daviplata", "Bancolombia", "PSE", "Efecty", "Corresponsal Bancario"), start=1
    )
)


def plan_rows() -> list[dict[str, Any]]:
    """Return the plans as the list shows them."""
    return [{"id": plan.id, "nombre": plan.nombre, "tipo": plan.tipo} for plan in PLANS]


def plan_detail(kind: str, plan_id: int) -> dict[str, Any] | None:
    """Return a plan's price and speeds, or None if no plan of that kind has this id."""
    for plan in PLANS:
        if plan.id == plan_id and plan.tipo == DETAIL_TYPES[kind]:
            return {
                "nombre": plan.nombre,
                "precio": plan.precio,
                "bajada": plan.bajada,
                "subida": plan.subida,
            }
    return None
