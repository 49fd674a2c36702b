"""The valid subjects of a ticket, and their priority."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from wisphub_api.clients.text import fold
from wisphub_api.exceptions import InvalidRequest
from wisphub_api.tickets.models import SubjectGroup

SUBJECTS: Final = (
    SubjectGroup(
        1,
        "low",
        (
            "Cambio de Contraseña en Router Wifi",
            "Cambio de Domicilio",
            "Recolección De Equipos",
            "Cancelación",
            "Desconexión",
        ),
    ),
    SubjectGroup(
        2,
        "normal",
        (
            "Internet Lento",
            "Internet Intermitente",
            "Antena Desalineada",
            "Cables Mal Colocados",
            "Cableado Para Modem Extra",
        ),
    ),
    SubjectGroup(
        3,
        "high",
        (
            "No Tiene Internet",
            "Antena Dañada",
            "No Responde la Antena",
            "No Responde el Router Wifi",
            "Router Wifi Reseteado (Valores de Fabrica)",
            "Cambio de Router Wifi",
            "Cambio de Antena",
            "Cambio de Antena + Router Wifi",
            "Cable UTP Dañado",
            "PoE Dañado",
            "Conector Dañado",
            "Antena valores De Fabrica",
            "Eliminador Dañado",
            "RJ45 Dañado",
            "Alambres Rotos",
            "Reconexión",
            "Cable Fibra Dañado",
            "Jumper Dañado",
        ),
    ),
    SubjectGroup(4, "very high", ("Troncal Dañado", "Caja Nap Dañada", "Cambio A Fibra Óptica")),
)
"""All subjects, as WispHub Net spells them."""

_BY_FOLDED: Final = {fold(name): (name, group.priority) for group in SUBJECTS for name in group.subjects}
_MOST_SUGGESTED: Final = 3
_LEAST_LIKENESS: Final = 0.5
"""The least ratio of difflib for a suggestion; below it, suggestions are unrelated."""


def find_subject(given: str) -> tuple[str, int]:
    """Return a subject as WispHub Net spells it, and its priority; case, accents and spacing do not count.

    Raises:
        InvalidRequest: There is no such subject; the message names the closest ones.
    """
    found = _BY_FOLDED.get(fold(given))
    if found is None:
        raise InvalidRequest(f"There is no such subject.{_suggestion(given)} {_ALL}", field="subject")
    return found


def closest_subjects(given: str) -> list[str]:
    """Return up to 3 subjects of similar spelling, the closest first."""
    keys = get_close_matches(fold(given), _BY_FOLDED, _MOST_SUGGESTED, _LEAST_LIKENESS)
    return [_BY_FOLDED[key][0] for key in keys]


_ALL: Final = "All of them are at /api/v1/tickets/subjects."


def _suggestion(given: str) -> str:
    close = closest_subjects(given)
    return f" Did you mean: {'; '.join(close)}?" if close else ""
