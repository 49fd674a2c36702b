"""How each cached value is written down for other processes and for the next start."""

from __future__ import annotations

from typing import Final

from wisphub_api.cache.shared import Codec
from wisphub_api.clients.snapshot.codec import PackedClients, pack, unpack
from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.clients.update import ClientChange
from wisphub_api.internet_plans.models import InternetPlan, PlanCatalogue
from wisphub_api.payment_methods.models import PaymentMethod
from wisphub_api.payment_methods.service import PaymentMethods
from wisphub_api.tickets.zones import Opened, OpenTickets

_ZonesOfTickets = tuple[dict[int, int | None], dict[str, int]]

CLIENTS: Final = Codec[Directory, PackedClients](
    kind=PackedClients, pack=pack, unpack=unpack, changes=ClientChange
)
INTERNET_PLANS: Final = Codec[PlanCatalogue, tuple[InternetPlan, ...]](
    kind=tuple[InternetPlan, ...],
    pack=lambda catalogue: catalogue.plans,
    unpack=lambda plans, _: PlanCatalogue(plans, {plan.plan_id: plan for plan in plans}),
)
PAYMENT_METHODS: Final = Codec[PaymentMethods, PaymentMethods](
    kind=tuple[PaymentMethod, ...], pack=tuple, unpack=lambda methods, _: methods
)
OPEN_TICKETS: Final = Codec[OpenTickets, _ZonesOfTickets](
    kind=_ZonesOfTickets,
    pack=lambda tickets: tickets.content,
    unpack=lambda content, _: OpenTickets(*content),
    changes=Opened,
)
