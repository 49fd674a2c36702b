"""The people who subscribe: one person may hold several services."""

import msgspec

from wisphub_sim.data.vocabulary import (
    COMPANIES,
    FIRST_NAMES,
    FOLDED,
    SECOND_NAMES,
    SURNAMES,
    draws,
    pick,
)

REFERENCE_ID = 7  # the one service whose record is the same under every seed: what tests rely on
Phone = str | int | None
_LAST_ODD_PHONE = 7  # 8 in 40 phones are typed oddly: 0 to 7


class Person(msgspec.Struct, frozen=True):
    """The holder of a service, as the provider's staff typed it."""

    first_names: str
    surnames: str
    document: str
    phone: Phone
    login: str

    @property
    def full_name(self) -> str:
        """Return the name as the list of clients shows it."""
        return f"{self.first_names} {self.surnames}".strip()


REFERENCE_PERSON = Person("Esperanza", "Benitez", "34567890", "3104567890", "esperanza.benitez")


def holder_of(seed: int, service_id: int) -> Person:
    """Return the person who holds a service; one service in twelve belongs to a neighbour's holder."""
    if service_id == REFERENCE_ID:
        return REFERENCE_PERSON
    roll = draws(seed, "holder", service_id)
    number = service_id - 1 - roll[1] % 20 if roll[0] % 12 == 0 else service_id
    return person(seed, number)


def person(seed: int, number: int) -> Person:
    """Return the person of this number."""
    roll = draws(seed, "person", number)
    if roll[0] % 40 == 0:
        return _company(roll)
    first, surname = pick(FIRST_NAMES, roll[1]), pick(SURNAMES, roll[3])
    names = f"{first} {pick(SECOND_NAMES, roll[2])}".rstrip()
    surnames = surname if roll[4] % 4 == 0 else f"{surname} {pick(SURNAMES, roll[5])}"
    if roll[6] % 6 == 0:
        names, surnames = names.upper(), surnames.upper()
    return Person(names, surnames, _document(roll), _phone(roll), f"{FOLDED[first]}.{FOLDED[surname]}")


def _company(roll: tuple[int, ...]) -> Person:
    name = pick(COMPANIES, roll[1])
    nit = f"{800 + roll[2] % 150}.{roll[3] % 1000:03d}.{roll[4] % 1000:03d}-{roll[5] % 10}"
    return Person(name, "", nit, _phone(roll), FOLDED[name])


def _document(roll: tuple[int, ...]) -> str:
    number = 1_000_000_000 + (roll[7] << 16 | roll[8]) % 199_999_999
    match roll[9] % 25:
        case 0:
            return f"PEP{number % 10_000_000}"
        case 1:
            return f"{number:,}".replace(",", ".")
        case 2 | 3 | 4 | 5 | 6 | 7:
            return str(number % 90_000_000 + 10_000_000)  # issued before the ten-digit numbers
        case _:
            return str(number)


def _phone(roll: tuple[int, ...]) -> Phone:
    number = 3_000_000_000 + (roll[10] << 16 | roll[11]) % 239_999_999
    plain, way = str(number), roll[12] % 40
    if way > _LAST_ODD_PHONE:
        return plain
    as_typed: dict[int, Phone] = {
        0: f"+57 {plain[:3]} {plain[3:6]} {plain[6:]}",
        1: f"+57 {plain}",
        2: f"{plain} / {number + 1_234_567}",
        3: f"{plain}-{number + 7_654_321}",
        4: number,
        5: "",
        6: None,
        _LAST_ODD_PHONE: f"{plain} ",
    }
    return as_typed[way]
