"""The balance of a service, and the invoices behind it."""

from typing import Any


def balance(record: dict[str, Any]) -> dict[str, Any]:
    """Return what `/saldo` answers for a record: one invoice paid, and one open if something is owed."""
    owed, service_id = str(record.get("saldo") or "0.00"), int(record["id_servicio"])
    invoices = [_invoice(service_id, "12/2025", "Pagada", "40000.00")]
    if float(owed):
        invoices.append(_invoice(service_id, "01/2026", "Pendiente de Pago", owed))
    return {"id_servicio": service_id, "nombre": record["nombre"], "saldo": owed, "facturas": invoices}


def _invoice(service_id: int, month: str, state: str, total: str) -> dict[str, Any]:
    return {
        "id_factura": service_id * 100 + int(month[:2]),
        "fecha_emision": f"01/{month}",
        "fecha_vencimiento": f"10/{month}",
        "estado": state,
        "total": total,
    }
