"""A client's profile: the part of its record that WispHub Net lets others change."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, Struct

from wisphub_api.clients.models import ProfileUpdate
from wisphub_api.upstream.client import Content, WispHubNet
from wisphub_api.upstream.wire import Text, clean_text, decode

_PATH: Final = "/api/clientes/{service_id}/perfil/"
_FIELDS: Final = {
    "document": "cedula",
    "address": "direccion",
    "locality": "localidad",
    "city": "ciudad",
    "phone": "telefono",
}


class _ProfileWire(Struct):
    """What of a profile is of use here: the two halves of a name, which the list shows as one."""

    nombre: Text = None
    apellidos: Text = None


async def write_profile(net: WispHubNet, service_id: int, update: ProfileUpdate) -> None:
    """Change a client's profile, once.

    Raises:
        UpstreamUncertain: It may have been changed.
        UpstreamError: It was not changed.
    """
    fields = {theirs: getattr(update, ours) for ours, theirs in _FIELDS.items()}
    if update.name is not UNSET:
        profile = await net.read(_PATH, {}, _read_profile, service_id=service_id)
        first, last = clean_text(profile.nombre) or "", clean_text(profile.apellidos) or ""
        fields["nombre"], fields["apellidos"] = split_name(update.name, first, last)
    if update.outstanding_balance is not UNSET:
        fields["saldo"] = f"{update.outstanding_balance:.2f}"
    given = {name: value for name, value in fields.items() if value is not UNSET}
    await net.write("PUT", _PATH, Content(json=given), _read_answer, service_id=service_id)


def split_name(name: str, first: str, last: str) -> tuple[str, str]:
    """Split a whole name into first names and surnames, the way the record has it now.

    A half that stays the same is kept. Otherwise the surnames are as many words as they were: none where
    the provider writes whole names into the first field.

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


def _read_profile(body: bytes) -> _ProfileWire:
    return decode(body, _ProfileWire)


def _read_answer(body: bytes) -> None:
    """Accept the profile, or nothing (204); anything else is a proxy's, and leaves the outcome open."""
    if body:
        decode(body, _ProfileWire)
