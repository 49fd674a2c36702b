"""The route of the payment methods."""

from __future__ import annotations

from typing import Final

from litestar import Controller, Response, get
from litestar.di import NamedDependency

from wisphub_api.cache.answers import Question
from wisphub_api.cache.representation import Representation, represent_page
from wisphub_api.payment_methods.models import PaymentMethod
from wisphub_api.payment_methods.service import PaymentMethods, PaymentMethodService
from wisphub_api.web.fast_path import in_memory
from wisphub_api.web.parameters import AnyRequest, Limit, Offset
from wisphub_api.web.problems import documented
from wisphub_api.web.rules.cache_control import asked_freshness
from wisphub_api.web.rules.cache_status import cached_response

PAYMENT_METHODS: Final = "payment-methods"
"""The name of the cache in which the fast path finds payment methods."""


def _page(methods: PaymentMethods, asked: Question) -> Representation:
    return represent_page(methods, asked.limit, asked.offset)


class PaymentMethodController(Controller):
    """Payment methods, from memory."""

    path = "/api/v1/payment-methods"
    tags = ("Payment methods",)

    @get(
        "/",
        summary="All payment methods",
        responses=documented(401, 422, 503, 504),
        opt=in_memory(PAYMENT_METHODS, "payment-methods", _page),
    )
    async def all(
        self,
        payment_methods: NamedDependency[PaymentMethodService],
        request: AnyRequest,
        limit: Limit = None,
        offset: Offset = 0,
    ) -> Response[list[PaymentMethod]]:
        """Return all payment methods, by payment_method_id."""
        return cached_response(await payment_methods.page(limit, offset, asked_freshness(request)), request)
