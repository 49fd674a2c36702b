"""WispHub Net's payment methods: the call that lists them, and its rows."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from wisphub_api.payment_methods.models import PaymentMethod
from wisphub_api.upstream.budget import Urgency
from wisphub_api.upstream.client import WispHubNet
from wisphub_api.upstream.wire import PageReader, Text, clean_text

PATH: Final = "/api/formas-de-pago/"


class PaymentMethodWire(Struct):
    """A row of `/api/formas-de-pago/`."""

    id: int
    nombre: Text = None


async def read_payment_methods(net: WispHubNet) -> list[PaymentMethod]:
    """Return all payment methods; raise rather than return a part."""
    return await net.crawl(PATH, _PAGES, lambda method: method.payment_method_id, urgency=Urgency.BACKGROUND)


def to_payment_method(wire: PaymentMethodWire) -> PaymentMethod:
    """Map a payment method's row."""
    return PaymentMethod(payment_method_id=wire.id, name=clean_text(wire.nombre))


_PAGES: Final = PageReader(PaymentMethodWire, to_payment_method)
