"""Support tickets: some from the start, others as they are opened."""

import datetime as dt
import itertools
from collections.abc import Mapping
from typing import Any

from wisphub_sim.data.catalogue import TECHNICIANS, ZONES
from wisphub_sim.data.directory import Directory
from wisphub_sim.data.people import REFERENCE_ID
from wisphub_sim.data.records import zone_of
from wisphub_sim.settings import LONGEST_NUMBER

OPEN_STATE = 1
STATES = {"1": "Nuevo", "2": "En Progreso", "3": "Resuelto", "4": "Cerrado"}
PRIORITIES = ("1", "2", "3", "4")
DATE_FORMAT = "%d/%m/%Y %H:%M"
_FIRST_ID = 5001
_SUBJECTS = ("No Tiene Internet", "Internet Lento", "Antena Dañada", "Cambio de Contraseña en Router Wifi")
_SEARCHED_SERVICES = 500  # enough to find a few in every zone

Ticket = dict[str, Any]


class InvalidTicket(Exception):
    """A form that the upstream refuses.

    Attributes:
        errors: What is wrong, by field.
    """

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(errors)
        self.errors = errors


class TicketDesk:
    """Every ticket; zone `z` begins with `z % 5` open ones, and one has a service of no known zone."""

    def __init__(self, seed: int, directory: Directory) -> None:
        self._seed = seed
        self._directory = directory
        self.reset()

    def reset(self) -> None:
        """Forget the tickets opened since the start."""
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
        """Return a ticket with its last answer, or nothing."""
        ticket = self._tickets.get(ticket_id)
        if ticket is None:
            return None
        answer = None if ticket["estado"] == OPEN_STATE else "Se realizó visita técnica. Señal estable."
        return ticket | {"respuestas": {"respuesta": answer}}

    def open(self, form: Mapping[str, str]) -> Ticket:
        """Open a ticket and return what the upstream answers.

        Raises:
            InvalidTicket: A mandatory field is missing or a value is not understood.
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
        told = ("id_ticket", "asunto", "fecha_estimada_inicio", "fecha_estimada_fin", "estado", "prioridad")
        return {field: ticket[field] for field in told}

    def _errors(self, form: Mapping[str, str]) -> dict[str, list[str]]:
        # `estado` and `tecnico` pass for optional in the documentation; the upstream refuses without.
        errors = {
            field: "Este campo es requerido."
            for field in ("servicio", "asunto", "estado", "tecnico")
            if not form.get(field)
        }
        checks = {
            "servicio": lambda text: _is_number(text) and int(text) in self._directory,
            "tecnico": _is_number,
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
        dt.datetime.strptime(text, DATE_FORMAT)  # noqa: DTZ007 - the upstream's dates carry no zone
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
