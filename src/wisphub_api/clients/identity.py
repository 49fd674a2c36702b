"""The rules by which data matches a client's record, as pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from wisphub_api.clients.models import Claim, Client, Verification
from wisphub_api.clients.text import fold_place

PRICE_TOLERANCE: Final = 1.0
RESOLVE_MIN_FIELDS: Final = 3
STAND_IN: Final = Client(
    service_id=-1,
    name="José Ninguno Peña",
    document=None,
    phone=None,
    address="Vereda Ningún Lugar",
    city=None,
    locality=None,
    payment_status=None,
    zone_id=None,
    antenna_ip=None,
    cut_off_date=None,
    outstanding_balance=None,
    lan_interface=None,
    internet_plan_name="Ninguno",
    internet_plan_price=1.0,
    technician_id=None,
)
"""A stand-in for an unknown client, so that the check takes as long; its result is not returned."""
_STAND_IN_JSON: Final = msgspec.json.encode(STAND_IN)
_CLIENT: Final = msgspec.json.Decoder(Client)


def decoded_stand_in() -> Client:
    """Return `STAND_IN`, decoded from JSON as every real client is, so that it takes as long."""
    return _CLIENT.decode(_STAND_IN_JSON)


def text_matches(given: str, recorded: str | None) -> bool:
    """Return whether the recorded text contains the given one, both folded; empty text never matches."""
    needle = fold_place(given)
    return bool(needle) and recorded is not None and needle in fold_place(recorded)


def price_matches(given: float, recorded: float | None) -> bool:
    """Return whether two prices differ by no more than 1.0."""
    return recorded is not None and abs(given - recorded) <= PRICE_TOLERANCE


def matched_fields(claim: Claim, client: Client, plan_price: float | None) -> tuple[str, ...]:
    """Return the names of the given fields that match the client's record.

    Args:
        claim: The person's data.
        client: The record.
        plan_price: The price of the client's plan, for a record without a price.
    """
    return tuple([name for name, is_match in _checked_fields(claim, client, plan_price) if is_match])


def _checked_fields(claim: Claim, client: Client, plan_price: float | None) -> list[tuple[str, bool]]:
    """Return each field that is given, and whether it matches."""
    checked: list[tuple[str, bool]] = []
    if claim.name is not None:
        checked.append(("name", text_matches(claim.name, client.name)))
    if claim.address is not None:
        checked.append(("address", text_matches(claim.address, client.address)))
    if claim.internet_plan_name is not None:
        checked.append(
            ("internet_plan_name", text_matches(claim.internet_plan_name, client.internet_plan_name))
        )
    if claim.internet_plan_price is not None:
        price = plan_price if client.internet_plan_price is None else client.internet_plan_price
        checked.append(("internet_plan_price", price_matches(claim.internet_plan_price, price)))
    return checked


def verify(claim: Claim, client: Client, plan_price: float | None) -> Verification:
    """Return whether every given field matches; without any field nothing matches."""
    checked = _checked_fields(claim, client, plan_price)
    matched = tuple([name for name, is_match in checked if is_match])
    return Verification(is_valid=0 < len(matched) == len(checked), matched_fields=matched)


def best_matches(claim: Claim, candidates: Iterable[tuple[Client, float | None]]) -> list[Client]:
    """Return the clients that match the most fields, at least 3; more than one is a tie.

    Args:
        claim: The person's data.
        candidates: Clients, each with its plan's price.
    """
    scored = [(len(matched_fields(claim, client, price)), client) for client, price in candidates]
    best = max((score for score, _ in scored), default=0)
    return [client for score, client in scored if score == best >= RESOLVE_MIN_FIELDS]
