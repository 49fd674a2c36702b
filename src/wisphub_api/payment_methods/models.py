"""The responses of the payment methods."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class PaymentMethod(Struct, frozen=True):
    """A channel through which subscribers pay."""

    payment_method_id: Annotated[int, Meta(description="WispHub Net's number of the method", examples=[2])]
    name: Annotated[str | None, Meta(examples=["Nequi"])]
