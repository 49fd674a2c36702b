"""The requests and responses of the clients."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType


class Client(Struct, frozen=True, gc=False):
    """A subscriber. Whatever WispHub Net does not know, or has as blank, is null."""

    service_id: Annotated[int, Meta(description="WispHub Net's number of the service", examples=[7])]
    name: Annotated[str | None, Meta(examples=["Esperanza Benitez"])]
    document: Annotated[str | None, Meta(description="identity document, as written upstream")]
    phone: Annotated[str | None, Meta(description="one number or several, as written upstream")]
    address: Annotated[str | None, Meta(examples=["BELLAVISTA"])]
    city: str | None
    locality: str | None
    payment_status: Annotated[str | None, Meta(examples=["Activo", "Suspendido"])]
    zone_id: int | None
    antenna_ip: str | None
    cut_off_date: Annotated[dt.date | None, Meta(description="ISO 8601")]
    outstanding_balance: Annotated[float | None, Meta(description="in Colombian pesos")]
    lan_interface: str | None
    internet_plan_name: str | None
    internet_plan_price: Annotated[
        float | None, Meta(description="in Colombian pesos a month", examples=[40000.0])
    ]
    technician_id: int | None


class ClientNumber(Struct, frozen=True):
    """The id of a client alone: for a key that may verify but not read."""

    service_id: Annotated[int, Meta(description="WispHub Net's number of the service", examples=[7])]


class Claim(Struct, frozen=True, forbid_unknown_fields=True):
    """Data by which a person identifies; null counts as not given."""

    name: Annotated[str | None, Meta(examples=["Esperanza"])] = None
    address: Annotated[str | None, Meta(examples=["BELLAVISTA"])] = None
    internet_plan_name: str | None = None
    internet_plan_price: Annotated[
        float | None, Meta(description="matches within 1.0", examples=[40000.0])
    ] = None

    @property
    def given(self) -> tuple[str, ...]:
        """Return the names of the fields that are given."""
        values = (self.name, self.address, self.internet_plan_name, self.internet_plan_price)
        return tuple([name for name, value in zip(_CLAIMED, values, strict=True) if value is not None])


_CLAIMED: Final = Claim.__struct_fields__

_Text100 = Annotated[str, Meta(min_length=1, max_length=100)]
_Text150 = Annotated[str, Meta(min_length=1, max_length=150)]
_Text250 = Annotated[str, Meta(min_length=1, max_length=250)]
_Document = Annotated[
    str, Meta(min_length=1, max_length=30, description="letters, digits, spaces, dots and dashes")
]
_Phone = Annotated[
    str, Meta(min_length=7, max_length=60, description="one number or several", examples=["3001234567"])
]
_Balance = Annotated[float, Meta(ge=-1e10, le=1e10, description="in Colombian pesos", examples=[52000.0])]


class ProfileUpdate(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The fields of a client to change; the others stay as they are."""

    name: _Text150 | UnsetType = UNSET
    document: _Document | UnsetType = UNSET
    address: _Text250 | UnsetType = UNSET
    locality: _Text100 | UnsetType = UNSET
    city: _Text100 | UnsetType = UNSET
    phone: _Phone | UnsetType = UNSET
    outstanding_balance: _Balance | UnsetType = UNSET

    @property
    def given(self) -> dict[str, Any]:
        """Return the fields to change."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value is not UNSET}


class Verification(Struct, frozen=True):
    """The result of an identity check."""

    is_valid: Annotated[bool, Meta(description="true only when every given field matches")]
    matched_fields: tuple[str, ...]
