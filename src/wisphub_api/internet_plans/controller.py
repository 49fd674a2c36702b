"""The routes of the internet plans."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter

from wisphub_api.cache.answers import Question
from wisphub_api.cache.representation import Representation, represent, represent_page
from wisphub_api.internet_plans.models import InternetPlan, PlanCatalogue
from wisphub_api.internet_plans.service import PlanService
from wisphub_api.web.fast_path import in_memory, whole
from wisphub_api.web.parameters import AnyRequest, Limit, Offset
from wisphub_api.web.problems import documented
from wisphub_api.web.rules.cache_control import asked_freshness
from wisphub_api.web.rules.cache_status import cached_response

PlanId = Annotated[int, PathParameter(description="WispHub Net's number of the plan", ge=0)]
PLANS: Final = "internet-plans"
"""The name of the cache in which the fast path finds plans."""


def _page(catalogue: PlanCatalogue, asked: Question) -> Representation:
    return represent_page(catalogue.plans, asked.limit, asked.offset)


def _by_id(catalogue: PlanCatalogue, asked: Question) -> Representation | None:
    plan_id = whole(asked.text)
    plan = None if plan_id is None else catalogue.by_id.get(plan_id)
    return None if plan is None else represent(plan)


class InternetPlanController(Controller):
    """Internet plans, from memory."""

    path = "/api/v1/internet-plans"
    tags = ("Internet plans",)

    @get(
        "/",
        summary="All internet plans",
        responses=documented(401, 422, 503, 504),
        opt=in_memory(PLANS, "plans", _page),
    )
    async def all(
        self,
        plans: NamedDependency[PlanService],
        request: AnyRequest,
        limit: Limit = None,
        offset: Offset = 0,
    ) -> Response[list[InternetPlan]]:
        """Return all plans, with price and speeds, by plan_id."""
        return cached_response(await plans.page(limit, offset, asked_freshness(request)), request)

    @get(
        "/{plan_id:str}",
        summary="One internet plan",
        responses=documented(401, 404, 422, 503, 504),
        opt=in_memory(PLANS, "plans/by-id", _by_id),
    )
    async def by_id(
        self, plans: NamedDependency[PlanService], request: AnyRequest, plan_id: PlanId
    ) -> Response[InternetPlan]:
        """Return one plan's price and speeds."""
        return cached_response(await plans.by_id(plan_id, asked_freshness(request)), request)
