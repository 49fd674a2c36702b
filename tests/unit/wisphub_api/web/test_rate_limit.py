"""How many requests a key has, and what it is told of that."""

import re

import msgspec
import pytest

from wisphub_api.api_keys import ApiKey, digest
from wisphub_api.web.rate_limit import Quota, RateLimit
from wisphub_api.web.windows import Windows


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def windows(clock: Clock) -> Windows:
    return Windows(clock, most=4)


@pytest.fixture
def limit(windows: Windows, clock: Clock) -> RateLimit:
    return RateLimit("3/minute", windows, clock)


async def test_a_window_begins_with_the_first_request_and_counts_down(limit, clock):
    first = await limit.take("bot")
    clock.now += 20
    second = await limit.take("bot")
    assert (first, second) == (Quota(2, 60), Quota(1, 40))


async def test_past_the_limit_nothing_is_left_until_the_window_ends(limit, clock):
    taken = [(await limit.take("bot")).remaining for _ in range(4)]
    clock.now += 60
    assert (taken, (await limit.take("bot")).remaining) == ([2, 1, 0, -1], 2)


async def test_each_caller_has_a_count_of_its_own(limit):
    await limit.take("bot")
    assert (await limit.take("app")).remaining == 2


async def test_a_clock_that_is_set_back_does_not_lock_a_caller_out(limit, clock):
    for _ in range(4):
        await limit.take("bot")
    clock.now -= 3600
    assert await limit.take("bot") == Quota(2, 60)


async def test_windows_that_have_ended_are_forgotten(limit, windows, clock):
    for number in range(4):
        await limit.take(f"anonymous@10.0.0.{number}")
    clock.now += 61
    await limit.take("bot")
    assert len(windows) == 1


async def test_windows_that_have_not_ended_are_kept_however_many_there_are(limit, windows):
    for number in range(50):
        await limit.take(f"anonymous@10.0.0.{number}")
    assert len(windows) == 50
    assert (await limit.take("anonymous@10.0.0.0")).remaining == 1


async def test_a_window_can_be_read_and_forgotten(windows, clock):
    await windows.incr("a", 60)
    await windows.incr("b", 60)
    assert (await windows.get("a"), await windows.get("nobody"), await windows.check()) == (1, 0, True)
    await windows.clear("a")
    assert (await windows.get("a"), await windows.reset(), len(windows)) == (0, 1, 0)
    assert await windows.get_expiry("a") == clock.now
    assert windows.base_exceptions is ValueError


def test_the_fields_tell_quota_window_rest_and_time(limit):
    assert limit.policy == '"default";q=3;w=60'
    assert Quota(2, 41.2).field() == '"default";r=2;t=42'
    assert Quota(-5, 0.0).field() == '"default";r=0;t=0'


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
    told = [re.fullmatch(r'"default";r=(\d);t=(60|59)', answer.headers["ratelimit"]) for answer in answers]
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
