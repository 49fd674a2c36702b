"""WispHub Net's internet plans: the list, and the detail of each plan that has one."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from wisphub_api.internet_plans.models import InternetPlan
from wisphub_api.upstream.budget import Urgency
from wisphub_api.upstream.client import WispHubNet
from wisphub_api.upstream.wire import PageReader, Text, clean_text, decode, to_price

LIST: Final = "/api/plan-internet/"
_DETAIL_PATHS: Final = {
    "PPPOE": "/api/plan-internet/pppoe/{plan_id}/",
    "SIMPLE QUEUE": "/api/plan-internet/queue/{plan_id}/",
}


class PlanWire(Struct):
    """A row of `/api/plan-internet/`, which has neither price nor speeds."""

    id: int
    nombre: Text = None
    tipo: Text = None


class PlanDetailWire(Struct):
    """The answer of `/api/plan-internet/pppoe/{id}/` and `/queue/{id}/`."""

    precio: Text = None
    bajada: Text = None
    subida: Text = None


async def read_plans(net: WispHubNet) -> list[InternetPlan]:
    """Return all plans, without their price and speeds; raise rather than return a part."""
    return await net.crawl(LIST, _PAGES, lambda plan: plan.plan_id)


def has_detail(plan: InternetPlan) -> bool:
    """Return whether WispHub Net has price and speeds for this type of plan; PCQ plans lack them."""
    return _kind(plan) in _DETAIL_PATHS


async def read_detail(net: WispHubNet, plan: InternetPlan) -> InternetPlan:
    """Return a plan for which `has_detail` holds, with its price and speeds."""
    detail = await net.read(
        _DETAIL_PATHS[_kind(plan)],
        {},
        lambda body: decode(body, PlanDetailWire),
        urgency=Urgency.BACKGROUND,
        plan_id=plan.plan_id,
    )
    return msgspec.structs.replace(
        plan,
        price=to_price(detail.precio),
        download_speed=clean_text(detail.bajada),
        upload_speed=clean_text(detail.subida),
    )


def to_plan(wire: PlanWire) -> InternetPlan:
    """Map a plan's row."""
    return InternetPlan(plan_id=wire.id, name=clean_text(wire.nombre), type=clean_text(wire.tipo))


def _kind(plan: InternetPlan) -> str:
    return (plan.type or "").upper()


_PAGES: Final = PageReader(PlanWire, to_plan)
