"""Internet plans: loaded from WispHub Net, read from memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.representation import Representation, represent, represent_page
from wisphub_api.cache.slot import Reading
from wisphub_api.cache.wish import ANY, Wish
from wisphub_api.exceptions import NotFound, UpstreamError
from wisphub_api.internet_plans.models import InternetPlan, PlanCatalogue
from wisphub_api.internet_plans.upstream import has_detail, read_detail, read_plans
from wisphub_api.upstream.client import WispHubNet

logger = logging.getLogger(__name__)


async def load_catalogue(net: WispHubNet, previous: PlanCatalogue | None) -> PlanCatalogue:
    """Load all plans with their price and speeds.

    A plan whose detail cannot be read keeps its previous detail, so that one bad plan does not affect the
    others. If half of the details or more cannot be read, nothing is published.

    Raises:
        UpstreamError: The plans could not be read.
    """
    plans = await read_plans(net)
    asked = [plan for plan in plans if has_detail(plan)]
    results = await asyncio.gather(*(read_detail(net, plan) for plan in asked), return_exceptions=True)
    _refuse_if_half_failed(results)
    known = previous.by_id if previous else {}
    by_id = {plan.plan_id: plan for plan in plans}
    by_id |= {plan.plan_id: _settle(plan, result, known) for plan, result in zip(asked, results, strict=True)}
    ordered = tuple(by_id[plan_id] for plan_id in sorted(by_id))
    return PlanCatalogue(ordered, by_id)


def _settle(
    plan: InternetPlan, result: InternetPlan | BaseException, known: dict[int, InternetPlan]
) -> InternetPlan:
    """Return the plan with its detail, or with the previous detail if it cannot be read."""
    if isinstance(result, InternetPlan):
        return result
    logger.warning("internet plan %d has no detail: %s", plan.plan_id, result)
    return known.get(plan.plan_id, plan)


def _refuse_if_half_failed(results: Sequence[InternetPlan | BaseException]) -> None:
    """Raise the first failure if half of the details failed; raise a bug in any case."""
    failures = [result for result in results if isinstance(result, BaseException)]
    bugs = [failure for failure in failures if not isinstance(failure, UpstreamError)]
    if bugs or (failures and 2 * len(failures) >= len(results)):
        raise (bugs or failures)[0]


class PlanService:
    """Internet plans, from memory.

    Args:
        catalogue: All plans.
    """

    def __init__(self, catalogue: Cached[PlanCatalogue]) -> None:
        self._catalogue = catalogue

    async def page(self, limit: int | None, offset: int, wish: Wish = ANY) -> Reading[Representation]:
        """Return plans by `plan_id`."""
        reading = await self._catalogue.read(wish)
        return reading.map(lambda found: represent_page(found.plans, limit, offset))

    async def by_id(self, plan_id: int, wish: Wish = ANY) -> Reading[Representation]:
        """Return one plan.

        Raises:
            NotFound: There is none.
        """
        reading = await self._catalogue.read(wish)
        plan = reading.value.by_id.get(plan_id)
        if plan is None:
            raise NotFound("No internet plan has this plan_id.", age_s=reading.age_s)
        return reading.map(lambda _: represent(plan))
