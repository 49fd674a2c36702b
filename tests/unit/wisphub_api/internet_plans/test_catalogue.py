"""Plans with their details, of which some may fail."""

from typing import Any

import pytest

from wisphub_api.exceptions import UpstreamError, UpstreamFailed, UpstreamTimeout
from wisphub_api.internet_plans.models import InternetPlan, PlanCatalogue
from wisphub_api.internet_plans.service import load_catalogue
from wisphub_api.upstream.paging import Crawl

BARE = [InternetPlan(2, "Hogar", "PPPOE"), InternetPlan(1, "Cola", "SIMPLE QUEUE")]
FULL = [InternetPlan(2, "Hogar", "PPPOE", 40000.0, "10M", "5M"), InternetPlan(1, "Cola", "SIMPLE QUEUE", 1.0)]
FAILED = UpstreamFailed("WispHub Net answered with status 500", status=500)


class Net:
    """Gives bare plans, and each plan's detail or its error."""

    def __init__(self, *details: InternetPlan | UpstreamError) -> None:
        self.details = dict(zip([2, 1], details, strict=True))

    async def plans(self) -> Crawl[InternetPlan]:
        return Crawl(list(BARE), set_aside=0)

    async def detailed(self, plan: InternetPlan) -> InternetPlan:
        detail = self.details[plan.plan_id]
        if isinstance(detail, UpstreamError):
            raise detail
        return detail


async def load(
    *details: InternetPlan | UpstreamError, previous: PlanCatalogue | None = None
) -> PlanCatalogue:
    net: Any = Net(*details)
    return await load_catalogue(net, previous)


async def test_plans_come_by_their_id_with_their_details():
    catalogue = await load(*FULL)
    assert catalogue.plans == (FULL[1], FULL[0])
    assert catalogue.by_id[2].price == 40000.0
    assert len(catalogue) == 2


async def test_a_plan_whose_detail_fails_is_given_with_what_is_known():
    assert (await load(FULL[0], FAILED)).by_id[1] == BARE[1]


async def test_a_plan_whose_detail_fails_keeps_what_was_known_before():
    assert (await load(FULL[0], FAILED, previous=await load(*FULL))).by_id[1] == FULL[1]


async def test_nothing_is_published_where_every_detail_fails():
    with pytest.raises(UpstreamFailed):
        await load(FAILED, FAILED)


async def test_nothing_is_published_where_the_upstream_does_not_answer():
    with pytest.raises(UpstreamTimeout):
        await load(FULL[0], UpstreamTimeout("slow"))
