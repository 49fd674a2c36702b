"""A ticket is opened once, and never again without looking."""

import asyncio
from typing import Any

import httpx
import pytest

from wisphub_api.exceptions import (
    InvalidRequest,
    UpstreamFailed,
    UpstreamUncertain,
    UpstreamUnreachable,
    WispHubAPIError,
    ZoneLimitReached,
)
from wisphub_api.tickets.idempotency import LONGEST_S, Begun
from wisphub_api.tickets.models import Ticket
from wisphub_api.tickets.opening import Opening, save_nothing

pytestmark = pytest.mark.looptime
NO_ANSWER = httpx.ReadTimeout("slow")


class Repeatable:
    """An opening whose calls know of what was begun in those before, as `IdempotencyStore` calls it."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self.begun: Begun | None = None

    async def __call__(self) -> Ticket:
        try:
            return await self._opening(self._remember, self.begun)
        except UpstreamUncertain:
            raise
        except WispHubAPIError:
            self.begun = None
            raise

    async def _remember(self, begun: Begun) -> None:
        self.begun = begun


@pytest.fixture
def opening(opener, order) -> Repeatable:
    async def prepare() -> Any:
        return order

    return Repeatable(Opening(opener, prepare))


async def fails(opening: Repeatable, kind: type[Exception]) -> str:
    with pytest.raises(kind) as raised:
        await opening()
    return str(raised.value)


async def test_a_ticket_is_opened(opening, upstream, order):
    ticket = await opening()
    assert (ticket.ticket_id, ticket.subject, ticket.due_at) == (5001, order.subject, order.due_at)
    assert upstream.tickets[0]["fecha_estimada_inicio"] == "23/11/2026 10:15"


@pytest.mark.parametrize(
    "trouble",
    [
        NO_ANSWER,
        httpx.RemoteProtocolError("hung up"),
        httpx.Response(500),
        httpx.Response(201, text="<html>"),
    ],
    ids=str,
)
async def test_an_uncertain_outcome_is_reported_and_nothing_is_sent_again(opening, upstream, trouble):
    upstream.posts = [trouble]
    assert "same Idempotency-Key" in await fails(opening, UpstreamUncertain)
    assert upstream.posted == 1


async def test_a_ticket_that_was_opened_after_all_is_found_by_a_repeat(opening, upstream):
    upstream.posts, upstream.opens_before_failing = [NO_ANSWER], True
    await fails(opening, UpstreamUncertain)
    assert (await opening()).ticket_id == 5001
    assert upstream.posted == 1


async def test_a_repeat_that_comes_too_early_to_be_certain_opens_nothing(opening, upstream):
    upstream.posts = [NO_ANSWER]
    await fails(opening, UpstreamUncertain)
    await asyncio.sleep(59)
    assert "may still be opened: ask again in 1 seconds" in await fails(opening, UpstreamUncertain)
    assert upstream.posted == 1


async def test_it_is_too_early_for_a_minute_after_the_answer_was_given_up(opening, zones, upstream):
    await zones.state(5)
    upstream.delay_s = 3600
    await fails(opening, UpstreamUncertain)  # after the time-out of 10 s
    upstream.delay_s = 0
    await asyncio.sleep(55)
    assert "in 5 seconds" in await fails(opening, UpstreamUncertain)


async def test_a_repeat_opens_the_ticket_once_it_is_certain_that_there_is_none(opening, upstream):
    upstream.posts = [NO_ANSWER]
    await fails(opening, UpstreamUncertain)
    await asyncio.sleep(61)
    assert (await opening()).ticket_id == 5001
    assert upstream.posted == 2


async def test_a_ticket_that_was_opened_and_closed_since_is_found_by_a_late_repeat(opening, upstream):
    upstream.posts, upstream.opens_before_failing = [NO_ANSWER], True
    await fails(opening, UpstreamUncertain)
    upstream.tickets[0]["estado"] = 4
    await asyncio.sleep(3600)
    assert (await opening()).status == "4"
    assert upstream.posted == 1


async def test_a_repeat_that_cannot_look_opens_nothing_and_the_doubt_stays(opening, upstream):
    upstream.posts = [NO_ANSWER]
    await fails(opening, UpstreamUncertain)
    await asyncio.sleep(61)
    upstream.gets = [httpx.Response(403)]
    assert "cannot be told" in await fails(opening, UpstreamUncertain)
    assert upstream.posted == 1


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (httpx.Response(400), UpstreamFailed),
        (httpx.Response(503), UpstreamFailed),
        (httpx.ConnectError("refused"), UpstreamUnreachable),
    ],
    ids=str,
)
async def test_what_was_certainly_not_opened_is_sent_again_without_looking(opening, upstream, trouble, kind):
    upstream.posts = [trouble]
    await fails(opening, kind)
    upstream.add(zone=1, service=7, subject="Internet Lento", start="23/11/2026 10:15")  # not this one's
    assert (await opening()).ticket_id == 5002


async def test_an_opening_that_was_cut_short_is_looked_for(opening, upstream):
    upstream.delay_s, upstream.opens_before_failing = 5, True
    task = asyncio.create_task(opening())
    await asyncio.sleep(9)  # the open tickets are known after 5 s; the ticket is opened at 10
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "may still be opened" in await fails(opening, UpstreamUncertain)
    assert upstream.posted == 1


async def test_one_that_was_cut_short_may_have_been_sent_at_the_last_moment(opening, upstream):
    upstream.delay_s = 5
    task = asyncio.create_task(opening())
    await asyncio.sleep(6)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(LONGEST_S - 6 + 55)
    assert "in 5 seconds" in await fails(opening, UpstreamUncertain)
    await asyncio.sleep(10)
    assert (await opening()).ticket_id == 5001


async def test_without_a_key_nothing_is_remembered(opener, order):
    async def prepare() -> Any:
        return order

    assert (await Opening(opener, prepare)(save_nothing, None)).ticket_id == 5001


async def test_an_order_that_cannot_be_made_is_made_anew(opener, order):
    orders = [InvalidRequest("wrong", field="subject"), order]

    async def prepare() -> Any:
        made = orders.pop(0)
        if isinstance(made, Exception):
            raise made
        return made

    opening = Repeatable(Opening(opener, prepare))
    await fails(opening, InvalidRequest)
    assert (await opening()).ticket_id == 5001


async def test_nothing_is_sent_where_the_zone_takes_no_more(opening, upstream):
    for _ in range(3):
        upstream.add(zone=5)
    await fails(opening, ZoneLimitReached)
    assert upstream.posted == 0


async def test_a_load_under_way_that_reads_the_new_ticket_does_not_count_it_twice(
    opener, zones, order, upstream, open_tickets
):
    await zones.state(5)
    await asyncio.sleep(1)
    upstream.delay_s = 2
    opening = asyncio.create_task(opener.open(order))
    await asyncio.sleep(1)
    open_tickets.invalidate()
    await opening
    await asyncio.sleep(2)
    assert open_tickets.state().good_loads == 2
    assert (await zones.state(5)).value.open_tickets == 1


async def test_a_client_of_no_known_zone_gets_a_ticket_all_the_same(opener, zoneless, upstream):
    upstream.gets = [httpx.Response(403)] * 9
    assert (await opener.open(zoneless)).zone_id is None


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({}, True),
        ({"start": "23/11/2026 10:15:00"}, True),
        ({"start": "2026-11-23"}, True),  # cannot be read: better no second ticket than two
        ({"start": None}, True),
        ({"start": "23/11/2026 10:14"}, False),
        ({"subject": "Internet Intermitente"}, False),
        ({"service": 8}, False),
    ],
)
async def test_a_ticket_is_the_same_by_service_subject_and_start(opener, order, upstream, changes, is_same):
    upstream.add(zone=1)
    upstream.add(zone=5, **{"service": 7, "subject": "Internet Lento", "start": "23/11/2026 10:15"} | changes)
    for is_recent in (True, False):
        found = await opener.find(order, is_recent=is_recent)
        assert (found is not None) is is_same
