"""Support tickets: those that exist at the start, and those that requests open."""

import datetime as dt
import itertools
from collections.abc import Mapping
from typing import Any

from wisphub_sim.data.catalogue import TECHNICIANS, ZONES
from wisphub_sim.data.directory import Directory, is_number
from wisphub_sim.data.people import REFERENCE_ID
from wisphub_sim.data.records import zone_of

OPEN_STATE = 1
STATES = {"1": "Nuevo", "2": "En Progreso", "3": "Resuelto", "4": "Cerrado"}
PRIORITIES = ("1", "2", "3", "4")
DATE_FORMAT = "%d/%m/%Y %H:%M"
_FIRST_ID = 5001
_SUBJECTS = ("No Tiene Internet", "Internet Lento", "Antena Dañada", "Cambio de Contraseña en Router Wifi")
_SEARCHED_SERVICES = 500  # enough to find a few in every zone

Ticket = dict[str, Any]


class InvalidTicket(Exception):
    """A form that WispHub Net refuses.

    Attributes:
        errors: The messages of each wrong field.
    """

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(errors)
        self.errors = errors


class TicketStore:
    """Every ticket.

    At the start, zone `z` has `z % 5` open tickets, and one open ticket is of a service without a zone.
    """

    def __init__(self, seed: int, directory: Directory) -> None:
        self._seed = seed
        self._directory = directory
        self.reset()

    def reset(self) -> None:
        """Return to the tickets of the start."""
        self._ids = itertools.count(_FIRST_ID)
        self._tickets: dict[int, Ticket] = {}
        for zone in ZONES:
            services = self._services_in(zone["id"])
            for service_id in services[: zone["id"] % 5]:
                self._add(service_id, OPEN_STATE)
            for service_id in services[:2]:
                self._add(service_id, 3)
        without_zone = self._add(REFERENCE_ID, OPEN_STATE)
        without_zone["servicio"] = without_zone["servicio"] | {"zona": None}

    def listing(self, state: str | None) -> list[Ticket]:
        """Return the tickets in one state, or all; newest first."""
        tickets = reversed(self._tickets.values())
        return [ticket for ticket in tickets if not state or str(ticket["estado"]) == state]

    def find(self, ticket_id: int) -> Ticket | None:
        """Return a ticket with its last answer, or None if there is none with this id."""
        ticket = self._tickets.get(ticket_id)
        if ticket is None:
            return None
        answer = None if ticket["estado"] == OPEN_STATE else "Se realizó visita técnica. Señal estable."
        return ticket | {"respuestas": {"respuesta": answer}}

    def open(self, form: Mapping[str, str]) -> Ticket:
        """Open a ticket and return the fields that WispHub Net answers with.

        Raises:
            InvalidTicket: A mandatory field is missing or a value is invalid.
        """
        if errors := self._errors(form):
            raise InvalidTicket(errors)
        ticket = self._add(int(form["servicio"]), int(form["estado"]))
        ticket |= {
            "asunto": form["asunto"],
            "descripcion": form.get("descripcion", ""),
            "prioridad": int(form.get("prioridad") or 2),
            "tecnico": {"id": int(form["tecnico"])},
            "departamento": form.get("departamento") or "Soporte Técnico",
            "fecha_estimada_inicio": form.get("fecha_inicio") or None,
            "fecha_estimada_fin": form.get("fecha_final") or None,
        }
        shown = ("id_ticket", "asunto", "fecha_estimada_inicio", "fecha_estimada_fin", "estado", "prioridad")
        return {field: ticket[field] for field in shown}

    def _errors(self, form: Mapping[str, str]) -> dict[str, list[str]]:
        # WispHub Net documents `estado` and `tecnico` as optional, but refuses a form without them.
        errors = {
            field: "Este campo es requerido."
            for field in ("servicio", "asunto", "estado", "tecnico")
            if not form.get(field)
        }
        checks = {
            "servicio": lambda text: is_number(text) and int(text) in self._directory,
            "tecnico": is_number,
            "estado": STATES.__contains__,
            "prioridad": PRIORITIES.__contains__,
            "fecha_inicio": _is_date,
            "fecha_final": _is_date,
        }
        for field, is_valid in checks.items():
            if form.get(field) and not is_valid(form[field]):
                errors[field] = f'"{form[field]}" no es una elección válida.'
        return {field: [message] for field, message in errors.items()}

    def _add(self, service_id: int, state: int) -> Ticket:
        ticket_id = next(self._ids)
        ticket: Ticket = {
            "id_ticket": ticket_id,
            "asunto": _SUBJECTS[ticket_id % len(_SUBJECTS)],
            "descripcion": "El usuario reporta que desde ayer no navega.",
            "estado": state,
            "prioridad": 1 + ticket_id % 4,
            "departamento": "Soporte Técnico",
            "fecha_estimada_inicio": "05/01/2026 08:00",
            "fecha_estimada_fin": "08/01/2026 18:00",
            "tecnico": TECHNICIANS[ticket_id % len(TECHNICIANS)],
            "servicio": {"id_servicio": service_id, "zona": zone_of(self._seed, service_id)},
        }
        self._tickets[ticket_id] = ticket
        return ticket

    def _services_in(self, zone_id: int) -> list[int]:
        services = range(1, min(len(self._directory), _SEARCHED_SERVICES) + 1)
        return [service_id for service_id in services if zone_of(self._seed, service_id)["id"] == zone_id]


def _is_date(text: str) -> bool:
    try:
        dt.datetime.strptime(text, DATE_FORMAT)  # noqa: DTZ007 - WispHub Net's dates have no time zone
    except ValueError:
        return False
    return True
