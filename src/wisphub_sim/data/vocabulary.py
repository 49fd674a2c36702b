"""The words that records of Colombian subscribers are made of, and the repeatable draws that choose them.

A word that is listed twice is twice as frequent. Benitez and Bellavista are in the reference record only, so
that a search for them finds that record alone.
"""

import struct
import unicodedata
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")
_UNPACK = struct.Struct("<32H").unpack

FIRST_NAMES = (
    *("Esperanza", "María", "José", "Luis", "Ana", "Carlos", "Juan", "Martha", "Gloria", "Jorge") * 3,
    *("Andrés", "Ángela", "Álvaro", "Beatriz", "Begoña", "César", "Consuelo", "Diego", "Édgar", "Elena"),
    *("Fabián", "Germán", "Héctor", "Inés", "Íngrid", "Jesús", "Jhon", "Julián", "Leidy", "Libardo"),
    *("Luz", "Marlén", "Mónica", "Néstor", "Nubia", "Óscar", "Ramón", "Rocío", "Rubén", "Sebastián"),
    *("Sofía", "Tatiana", "Úrsula", "Víctor", "Wílmer", "Ximena", "Yaneth", "Yesid", "Yolanda", "Zoraida"),
)
SECOND_NAMES = ("", "", "", "", "Camila", "Dayana", "del Carmen", "Esperanza", "Fernando", "Milena", "Andrés")
SURNAMES = (
    *("Rodríguez", "Martínez", "López", "Rodriguez", "Martinez", "Lopez", "Gómez", "Muñoz") * 3,
    *("Acuña", "Álvarez", "Ávila", "Bolaños", "Castañeda", "Cárdenas", "Díaz", "Echeverri"),
    *("Fernández", "García", "Giraldo", "González", "Gutiérrez", "Hernández", "Ibáñez", "Jiménez", "Londoño"),
    *("Mejía", "Núñez", "Ñáñez", "Ocampo", "Ordóñez", "Ospina", "Patiño", "Pérez", "Piñeros", "Quiñones"),
    *("Ramírez", "Ríos", "Rojas", "Sánchez", "Suárez", "Torres", "Uribe", "Vélez", "Yáñez", "Zúñiga"),
)
COMPANIES = ("Ferretería El Tornillo", "Panadería La Espiga", "Tienda Doña Ñusta", "Hotel Los Nogales")
PLACES = (
    *("La Palma", "El Carmen", "San José", "La Esperanza", "El Diviso", "Santa Bárbara", "Peñas Blancas"),
    *("Villa Nueva", "Cañaveral", "El Rincón", "Alto de la Cruz", "La Unión", "Los Ángeles"),
)
ADDRESSES = (
    "Vereda {place}",
    "V/ {place}",
    "vda/ {place}",
    "VEREDA {place} FINCA {number}",
    "Barrio {place}",
    "B/ {place} casa {number}",
    "Calle {street} # {number}-{door}",
    "Cra. {street} No. {number} - {door} Piso 2",
    "Mz {street} Lote {number}, Urb. {place}",
    "{place}  km {street}",
)
CITIES = ("Popayán", "Ibagué", "Bogotá D.C.", "Garzón", "Chiquinquirá", "Sogamoso", "La Unión", "El Peñol")
STATES = ("Activo", "Activo", "Activo", "Activo", "Activo", "Suspendido", "Suspendido", "Cancelado", "Gratis")
INVOICE_STATES = ("Pagadas", "Pagadas", "Pagadas", "Pendiente de Pago", "Vencidas", "")
ANTENNAS = ("LiteBeam 5AC", "LiteBeam M5", "NanoStation Loco M5", "PowerBeam", "ONU HG8310M", "")
WIFI_ROUTERS = ("TP-Link TL-WR840N", "Mercusys MW305R", "Huawei HG8546M", "Tenda F3", "")
COMMENTS = (
    "Instalado por el técnico de zona. Casa de dos pisos, fachada azul.",
    "El cliente pide que lo llamen antes de la visita; perro bravo.",
    "Traslado desde otra vereda. Antena en el tejado, línea de vista a la torre.\nPendiente firmar contrato.",
    "Se dejó cable UTP de 25 m y router en préstamo.",
)


def fold(text: str) -> str:
    """Return the text in lower case without accents, blanks or punctuation, as in a user name."""
    plain = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())


FOLDED = {name: fold(name) for name in (*FIRST_NAMES, *SURNAMES, *COMPANIES, *PLACES)}


def draws(seed: int, kind: str, number: int) -> tuple[int, ...]:
    """Return 32 values, each uniform in 0 to 65,535, that depend on these arguments alone.

    One hash (about a microsecond) yields all of them, so a record can be made without those before it.
    """
    return _UNPACK(blake2b(f"{seed}/{kind}/{number}".encode()).digest())


def pick(options: Sequence[T], draw: int) -> T:
    """Return the option that a draw selects."""
    return options[draw % len(options)]
