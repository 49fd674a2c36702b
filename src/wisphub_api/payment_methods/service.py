"""Payment methods: loaded from WispHub Net, read from memory."""

from __future__ import annotations

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.representation import Representation, represent_page
from wisphub_api.cache.slot import Reading
from wisphub_api.cache.wish import ANY, Wish
from wisphub_api.payment_methods.models import PaymentMethod
from wisphub_api.payment_methods.upstream import read_payment_methods
from wisphub_api.upstream.client import WispHubNet

PaymentMethods = tuple[PaymentMethod, ...]


async def load_payment_methods(net: WispHubNet) -> PaymentMethods:
    """Load all payment methods, by `payment_method_id`.

    Raises:
        UpstreamError: They could not be read.
    """
    return tuple(sorted(await read_payment_methods(net), key=lambda method: method.payment_method_id))


class PaymentMethodService:
    """Payment methods, from memory.

    Args:
        methods: All of them.
    """

    def __init__(self, methods: Cached[PaymentMethods]) -> None:
        self._methods = methods

    async def page(self, limit: int | None, offset: int, wish: Wish = ANY) -> Reading[Representation]:
        """Return payment methods by `payment_method_id`.

        Raises:
            CacheUnavailable: They have not been loaded, or too long ago.
            NotFreshEnough: They are not as fresh as required.
        """
        reading = await self._methods.read(wish)
        return reading.map(lambda methods: represent_page(methods, limit, offset))
