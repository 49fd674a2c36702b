"""Plans with their details, of which some may fail."""

from typing import Any

import msgspec
import pytest

from wisphub_api.exceptions import UpstreamFailed, UpstreamTimeout, UpstreamUnreadable
from wisphub_api.internet_plans.models import InternetPlan, PlanCatalogue
from wisphub_api.internet_plans.service import load_catalogue
from wisphub_api.internet_plans.upstream import PlanDetailWire
from wisphub_api.upstream.budget import Urgency

PCQ = InternetPlan(4, "Colegio", "PCQ")
BARE = [
    InternetPlan(2, "Hogar", "PPPOE"),
    InternetPlan(1, "Cola", "SIMPLE QUEUE"),
    InternetPlan(3, "Fibra", "PPPOE"),
    InternetPlan(5, "Vereda", "SIMPLE QUEUE"),
]
FULL = [msgspec.structs.replace(plan, price=40000.0, download_speed="10M") for plan in BARE]
FAILED = UpstreamFailed("WispHub Net answered with status 500", status=500)


class Net:
    """Answers with bare plans, and with each plan's detail or its error."""

    def __init__(self, *details: InternetPlan | Exception) -> None:
        self.details = dict(zip([2, 1, 3, 5], details, strict=True))

    async def crawl(self, *_: Any) -> list[InternetPlan]:
        return [*BARE, PCQ]

    async def read(self, path: str, *_: Any, plan_id: int, urgency: Urgency) -> PlanDetailWire:
        detail = self.details[plan_id]
        if isinstance(detail, Exception):
            raise detail
        kind = "pppoe" if detail.type == "PPPOE" else "queue"
        assert (path, urgency) == (f"/api/plan-internet/{kind}/{{plan_id}}/", Urgency.BACKGROUND)
        return PlanDetailWire(precio="40000.00", bajada="10M")


async def load(*details: InternetPlan | Exception, previous: PlanCatalogue | None = None) -> PlanCatalogue:
    net: Any = Net(*details)
    return await load_catalogue(net, previous)


async def test_plans_come_by_their_id_with_their_details():
    catalogue = await load(*FULL)
    assert catalogue.plans == (FULL[1], FULL[0], FULL[2], PCQ, FULL[3])
    assert catalogue.by_id[2].price == 40000.0
    assert len(catalogue) == 5


@pytest.mark.parametrize("error", [FAILED, UpstreamTimeout("slow"), UpstreamUnreadable("<html>")])
async def test_a_plan_whose_detail_fails_is_given_with_what_is_known(error):
    assert (await load(FULL[0], error, *FULL[2:])).by_id[1] == BARE[1]


async def test_a_plan_whose_detail_fails_keeps_what_was_known_before():
    assert (await load(FULL[0], FAILED, *FULL[2:], previous=await load(*FULL))).by_id[1] == FULL[1]


async def test_nothing_is_published_where_half_of_the_details_fail_whatever_pcq_plans_there_are():
    with pytest.raises(UpstreamFailed):
        await load(FULL[0], FULL[1], FAILED, FAILED)


async def test_a_bug_is_not_taken_for_a_failing_upstream():
    with pytest.raises(ZeroDivisionError):
        await load(FULL[0], ZeroDivisionError(), *FULL[2:])
