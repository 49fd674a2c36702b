"""How many requests a key has, and what it is told of that."""

import asyncio
import re
from typing import Any

import msgspec
import pytest

from wisphub_api.api_keys import ApiKey, digest
from wisphub_api.web.rules.rate_limit import Quota, RateLimit


@pytest.fixture
def limit(store) -> RateLimit:
    return RateLimit("3/minute", store, lambda: asyncio.get_running_loop().time())


@pytest.mark.looptime
async def test_a_window_begins_with_the_first_request_and_counts_down(limit):
    first = await limit.take("bot")
    await asyncio.sleep(20)
    second = await limit.take("bot")
    assert (first, second.remaining) == (Quota(2, 60), 1)
    assert second.ends_s == pytest.approx(40)


@pytest.mark.looptime
async def test_past_the_limit_nothing_is_left_until_the_window_ends(limit):
    taken = [await limit.take("bot") for _ in range(4)]
    await asyncio.sleep(61)
    taken.append(await limit.take("bot"))
    assert [quota.remaining for quota in taken] == [2, 1, 0, 0, 2]
    assert [quota.is_granted for quota in taken] == [True, True, True, False, True]


async def test_each_caller_has_a_count_of_its_own(limit):
    await limit.take("bot")
    assert (await limit.take("app")).remaining == 2


async def test_workers_that_share_a_store_count_together(store, limit):
    await limit.take("bot")
    assert (await RateLimit("3/minute", store).take("bot")).remaining == 1


async def test_another_limit_begins_anew(store, limit):
    await limit.take("bot")
    assert (await RateLimit("5/hour", store).take("bot")).remaining == 4


@pytest.mark.looptime
async def test_a_shared_count_is_asked_once_for_a_hundredth_of_the_limit(distant):
    asked: list[int] = []
    spend = distant.spend

    async def counting(limits: Any, amount: int = 1) -> Any:
        asked.append(amount)
        return await spend(limits, amount)

    distant.spend = counting
    limit = RateLimit("400/minute", distant)
    first = await limit.take("bot")
    rest = [limit.take_now("bot") for _ in range(4)]
    assert [first.remaining, *(quota and quota.remaining for quota in rest)] == [399, 398, 397, 396, None]
    assert asked == [4]
    await limit.take("bot")
    assert asked == [4, 4]


@pytest.mark.looptime
async def test_of_processes_that_share_a_count_no_more_are_let_through_than_the_limit_says(distant):
    limits = [RateLimit("400/minute", distant) for _ in range(3)]
    granted = [sum([(await limit.take("bot")).is_granted for _ in range(300)]) for limit in limits]
    assert granted == [300, 100, 0]
    turns = [await limits[number % 3].take("app") for number in range(450)]
    assert 400 - 2 * 3 <= sum(quota.is_granted for quota in turns) <= 400


@pytest.mark.looptime
async def test_requests_that_come_together_waste_no_block(distant):
    limit = RateLimit("6000/minute", distant)
    together = await asyncio.gather(*(limit.take("bot") for _ in range(60)))
    rest = [await limit.take("bot") for _ in range(6_000)]
    assert sum(quota.is_granted for quota in (*together, *rest)) == 6_000


@pytest.mark.looptime
async def test_what_is_left_of_a_block_ends_with_its_window(distant):
    limit = RateLimit("400/minute", distant, lambda: asyncio.get_running_loop().time())
    await limit.take("bot")
    await asyncio.sleep(61)
    assert limit.take_now("bot") is None
    assert (await limit.take("bot")).remaining == 399


def test_the_fields_tell_quota_window_rest_and_time(limit):
    assert limit.policy == b'"default";q=3;w=60'
    assert Quota(2, 41.2).field() == b'"default";r=2;t=42'
    assert Quota(0, 0.0).field() == b'"default";r=0;t=0'


@pytest.fixture
def limited(settings):
    """Give settings with two keys that may ask 3 times a minute each."""
    keys = settings.api_keys | {"app": ApiKey(digest(b"app-key"))}
    return msgspec.structs.replace(settings, api_keys=keys, rate_limit="3/minute")


async def test_a_key_past_its_limit_is_refused_until_the_window_ends_and_others_are_not(serve, limited):
    async with serve(limited) as api:
        answers = [await api.get("/api/v1/internet-plans/") for _ in range(4)]
        other = await api.get("/api/v1/internet-plans/", headers={"X-API-Key": "app-key"})
    refused = answers[-1]
    assert [answer.status_code for answer in (*answers, other)] == [200, 200, 200, 429, 200]
    assert refused.json()["type"] == "urn:wisphub-api:problem:too-many-requests"
    assert 1 <= int(refused.headers["retry-after"]) <= 60


async def test_every_answer_to_a_key_tells_what_is_left(serve, limited):
    async with serve(limited) as api:
        paths = ("/api/v1/internet-plans/", "/api/v1/internet-plans/99999", "/api/v1/clients/search")
        answers = [await api.get(path) for path in (*paths, paths[0])]
    assert [answer.status_code for answer in answers] == [200, 404, 422, 429]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"default";q=3;w=60'}
    told = [
        re.fullmatch(r'"default";r=(\d);t=([1-5]?[0-9]|60)', answer.headers["ratelimit"])
        for answer in answers
    ]
    assert [match and match[1] for match in told] == ["2", "1", "0", "0"]


async def test_what_needs_no_key_is_not_limited_and_a_wrong_key_uses_up_nobodys_limit(serve, limited):
    async with serve(limited) as api:
        open_to_all = [await api.get("/health") for _ in range(5)]
        wrong = [await api.get("/api/v1/internet-plans/", headers={"X-API-Key": "no"}) for _ in range(5)]
        right = await api.get("/api/v1/internet-plans/")
    assert {answer.status_code for answer in open_to_all} == {200}
    assert {answer.status_code for answer in wrong} == {401}
    assert right.headers["ratelimit"].startswith('"default";r=2;')


async def test_without_keys_each_address_has_a_limit(serve, limited):
    async with serve(msgspec.structs.replace(limited, auth="off")) as api:
        answers = [await api.get("/api/v1/internet-plans/", headers={"X-API-Key": ""}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


async def test_without_a_limit_nothing_is_told_of_one(api):
    answer = await api.get("/api/v1/internet-plans/")
    assert not {"ratelimit", "ratelimit-policy"} & set(answer.headers)
