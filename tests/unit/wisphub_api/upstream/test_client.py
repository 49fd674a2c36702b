"""WispHub Net's client against an upstream that misbehaves. No time passes: the loop's time flies."""

import asyncio
import datetime as dt
import threading
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any

import httpx
import msgspec
import pytest

from wisphub_api import exceptions as faults
from wisphub_api.setting_values import Secret
from wisphub_api.settings import Settings
from wisphub_api.upstream.client import Content, UpstreamCall, WispHubNet
from wisphub_api.upstream.failures import parse_retry_after
from wisphub_api.upstream.wire import Page, PageReader

pytestmark = pytest.mark.looptime

Answer = httpx.Response | Exception
SETTINGS = Settings(net_host="https://net.example", net_key=Secret("the-key"))


class Row(msgspec.Struct):
    id_servicio: int


def service_id(row: Row) -> int:
    return row.id_servicio


PAGES = PageReader(Row, service_id)


async def read_all(net: WispHubNet, pages: PageReader[Row, int] = PAGES) -> list[int]:
    return await net.crawl("/api/clientes/", pages, int)


async def read_one(net: WispHubNet) -> Page[int]:
    """Read as for a person who waits."""
    return await net.read("/api/clientes/", {}, PAGES)


class Upstream:
    """A list of clients that answers by the book, unless `answers` holds something else to say first."""

    def __init__(self, total: int = 700, *answers: Answer) -> None:
        self.total = total
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.delay_s = 0.0
        self.running = self.most_at_once = 0

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.running += 1
        self.most_at_once = max(self.running, self.most_at_once)
        await asyncio.sleep(self.delay_s)
        self.running -= 1
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return httpx.Response(200, json=self.page(request.url.params))

    def page(self, params: httpx.QueryParams) -> dict[str, Any]:
        offset, limit = int(params.get("offset", 0)), min(int(params.get("limit", 50)), 300)
        ids = range(self.total)[offset : offset + limit]
        following = f"http://net.example/api/clientes/?limit={limit}&offset={offset + limit}"
        return {"count": self.total, "next": following, "results": [{"id_servicio": i} for i in ids]}

    async def run(self, call: Callable[[WispHubNet], Any]) -> Any:
        async with WispHubNet(SETTINGS, httpx.MockTransport(self.handle)) as net:
            return await call(net)


async def read_ids(upstream: Upstream) -> list[int]:
    rows: list[int] = await upstream.run(read_all)
    return rows


async def test_all_clients_are_read_with_the_key():
    upstream = Upstream()
    assert await read_ids(upstream) == list(range(700))
    assert {request.headers["authorization"] for request in upstream.requests} == {"Api-Key the-key"}


async def test_large_pages_are_read_off_the_event_loop_one_at_a_time(monkeypatch):
    monkeypatch.setattr("wisphub_api.upstream.client._LARGE_BYTES", 1000)
    threads, reading, is_read_twice = [], threading.Lock(), threading.Event()

    class Watched(PageReader[Row, int]):
        def __call__(self, body: bytes) -> Page[int]:
            if not reading.acquire(blocking=False):
                is_read_twice.set()
                return super().__call__(body)
            threads.append(threading.current_thread())
            is_read_twice.wait(0.1)  # long enough for another page to come
            reading.release()
            return super().__call__(body)

    read = await Upstream().run(lambda net: read_all(net, Watched(Row, service_id)))
    assert len(read) == 700
    assert threading.main_thread() not in threads
    assert len(threads) == 3
    assert not is_read_twice.is_set()


async def test_who_is_told_to_wait_beyond_the_deadline_of_a_load_ends_it():
    busy = httpx.Response(503, headers={"Retry-After": "5"})
    upstream = Upstream(700, busy)
    begun = asyncio.get_running_loop().time()
    hasty = msgspec.structs.replace(SETTINGS, net_timeout_s=1)
    async with WispHubNet(hasty, httpx.MockTransport(upstream.handle)) as net:
        with pytest.raises(faults.UpstreamFailed) as failed:
            await read_all(net)
    assert failed.value.retry_after_s == 5
    assert asyncio.get_running_loop().time() - begun < 1
    assert len(upstream.requests) == 1


async def test_while_a_page_is_decoded_the_next_is_asked_for(monkeypatch):
    monkeypatch.setattr("wisphub_api.upstream.client._LARGE_BYTES", 1000)
    upstream, is_last_asked_for = Upstream(), threading.Event()

    class Waiting(PageReader[Row, int]):
        def __call__(self, body: bytes) -> Page[int]:
            if len(upstream.requests) > 1:
                assert is_last_asked_for.wait(5)
            return super().__call__(body)

    async def handle(request: httpx.Request) -> httpx.Response:
        if len(upstream.requests) == 2:
            is_last_asked_for.set()
        return await upstream.handle(request)

    one_at_a_time = msgspec.structs.replace(SETTINGS, net_concurrency=1)
    async with WispHubNet(one_at_a_time, httpx.MockTransport(handle)) as net:
        assert len(await read_all(net, Waiting(Row, service_id))) == 700
    assert upstream.most_at_once == 1


async def test_of_rows_that_come_twice_the_last_is_kept_once():
    rows = [{"id_servicio": number, "text": text} for number, text in ((1, "a"), (2, "b"), (1, "c"))]

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"count": 3, "results": rows})

    class Named(Row):
        text: str

    async with WispHubNet(SETTINGS, httpx.MockTransport(answer)) as net:
        read = await net.crawl("/api/clientes/", PageReader(Named, lambda row: row), service_id)
    assert [(row.id_servicio, row.text) for row in read] == [(1, "c"), (2, "b")]


async def test_next_is_never_followed_so_the_key_never_goes_out_in_clear():
    upstream = Upstream()
    await read_ids(upstream)
    assert {(request.url.scheme, request.url.path) for request in upstream.requests} == {
        ("https", "/api/clientes/")
    }


async def test_a_redirect_is_not_followed():
    moved = httpx.Response(301, headers={"location": "http://elsewhere.example/api/clientes/"})
    upstream = Upstream(700, moved)
    with pytest.raises(faults.UpstreamFailed, match="301"):
        await read_ids(upstream)
    assert len(upstream.requests) == 1


async def test_a_crawl_takes_all_permits_but_one():
    upstream = Upstream(9000)
    upstream.delay_s = 0.25
    await read_ids(upstream)
    assert upstream.most_at_once == 7


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(500),
        httpx.Response(502, text="<html>"),
        httpx.Response(429),
        httpx.Response(200, text="<html>maintenance</html>"),
        httpx.Response(200, text='{"count": 700, "results": [{"id_se'),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("hung up"),
    ],
    ids=str,
)
async def test_trouble_that_passes_costs_only_another_try(trouble):
    assert await read_ids(Upstream(700, trouble)) == list(range(700))


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (httpx.Response(500), faults.UpstreamFailed),
        (httpx.Response(429), faults.UpstreamRateLimited),
        (httpx.Response(200, text="<html>"), faults.UpstreamUnreadable),
        (httpx.ConnectError("refused"), faults.UpstreamUnreachable),
        (httpx.ConnectTimeout("slow"), faults.UpstreamTimeout),
    ],
    ids=str,
)
async def test_trouble_that_stays_is_told_after_four_tries(trouble, error):
    upstream = Upstream(700, *[trouble] * 10)
    with pytest.raises(error):
        await read_ids(upstream)
    assert len(upstream.requests) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refusal_is_not_repeated(status):
    upstream = Upstream(700, httpx.Response(status))
    with pytest.raises(faults.UpstreamError, match=str(status)):
        await read_ids(upstream)
    assert len(upstream.requests) == 1


async def test_retry_after_is_waited_for():
    upstream = Upstream(10, httpx.Response(429, headers={"retry-after": "7"}))
    await read_ids(upstream)
    assert asyncio.get_running_loop().time() == 7


async def test_a_retry_after_too_long_for_a_load_is_passed_on():
    upstream = Upstream(10, httpx.Response(429, headers={"retry-after": "120"}))
    with pytest.raises(faults.UpstreamRateLimited) as raised:
        await read_ids(upstream)
    assert raised.value.retry_after_s == 120
    assert len(upstream.requests) == 1


@pytest.mark.looptime(False)  # noqa: FBT003  # stamina looks at the real clock
async def test_no_new_try_begins_after_the_deadline():
    upstream = Upstream()
    upstream.delay_s = 3600
    hasty = msgspec.structs.replace(SETTINGS, net_timeout_s=0.05)
    async with WispHubNet(hasty, httpx.MockTransport(upstream.handle)) as net:
        with pytest.raises(faults.UpstreamTimeout):
            await read_all(net)
    assert len(upstream.requests) == 2


async def test_a_call_that_hangs_is_given_up():
    upstream = Upstream(10)
    upstream.delay_s = 3600
    with pytest.raises(faults.UpstreamTimeout):
        await read_ids(upstream)
    assert 40 <= asyncio.get_running_loop().time() <= 45


async def test_a_person_waits_for_one_call_that_hangs_and_half_another():
    upstream = Upstream(10)
    upstream.delay_s = 3600
    with pytest.raises(faults.UpstreamTimeout, match="/api/clientes/ in time"):
        await upstream.run(read_one)
    assert (asyncio.get_running_loop().time(), len(upstream.requests)) == (15, 2)


async def test_after_a_call_that_hung_a_person_may_be_answered_by_the_next():
    upstream = Upstream(10, httpx.ReadTimeout("slow"))
    upstream.delay_s = 4
    found = await upstream.run(read_one)
    assert found.rows == tuple(range(10))


@pytest.mark.parametrize(
    "kind",
    [kind for kind in vars(httpx).values() if isinstance(kind, type) and issubclass(kind, httpx.HTTPError)],
)
async def test_every_error_of_httpx_is_translated(kind):
    upstream = Upstream(10, *[kind.__new__(kind)] * 4)
    with pytest.raises(faults.UpstreamError):
        await read_ids(upstream)


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (httpx.Response(500), "UpstreamFailed"),
        (httpx.Response(200, text="<html>"), "UpstreamUnreadable"),
        (httpx.ReadTimeout("slow"), "UpstreamTimeout"),
    ],
    ids=str,
)
async def test_each_try_is_told_with_its_outcome(trouble, outcome):
    told: list[UpstreamCall] = []
    upstream = httpx.MockTransport(Upstream(10, trouble).handle)
    async with WispHubNet(SETTINGS, upstream, told.append) as net:
        await read_all(net)
    assert [(call.path, call.outcome) for call in told] == [
        ("/api/clientes/", outcome),
        ("/api/clientes/", "ok"),
    ]
    assert min(call.elapsed_s for call in told) > 0


async def test_a_call_is_told_without_the_id_it_was_made_for():
    told: list[UpstreamCall] = []
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, content=b"{}")

    async with WispHubNet(SETTINGS, httpx.MockTransport(answer), told.append) as net:
        await net.read("/api/plan-internet/pppoe/{plan_id}/", {}, bytes, plan_id=42)
    assert asked == ["/api/plan-internet/pppoe/42/"]
    assert [call.path for call in told] == ["/api/plan-internet/pppoe/{plan_id}/"]


def test_retry_after_is_read_in_both_forms():
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    later = format_datetime(now + dt.timedelta(seconds=90), usegmt=True)
    assert [parse_retry_after(value, now) for value in ("15", later, "soon", None)] == [15, 90, None, None]


@pytest.mark.parametrize("wish", ["864000", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_no_retry_after_stops_the_refreshing_for_longer_than_a_quarter_of_an_hour(wish):
    assert parse_retry_after(wish, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)) == 900


@pytest.mark.parametrize("wish", ["\u00b2", "-5", "1e3", "", "inf"])
def test_a_retry_after_that_is_no_number_is_none(wish):
    assert parse_retry_after(wish, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)) is None


async def open_ticket(upstream: Upstream) -> bytes:
    content = Content(form={"asunto": "Internet Lento"})
    answer: bytes = await upstream.run(lambda net: net.write("POST", "/api/tickets/", content, bytes))
    return answer


async def test_a_write_is_sent_once_as_a_form():
    upstream = Upstream(0, httpx.Response(201, content=b"done"))
    assert await open_ticket(upstream) == b"done"
    (request,) = upstream.requests
    assert request.method == "POST"
    assert request.headers["content-type"].startswith("multipart/form-data")
    assert b'name="asunto"\r\n\r\nInternet Lento' in request.content


async def test_a_write_can_be_json():
    upstream = Upstream(0, httpx.Response(204))
    await upstream.run(lambda net: net.write("PUT", "/api/x/{i}/", Content(json={"a": 1}), bytes, i=7))
    (request,) = upstream.requests
    assert (request.url.path, request.content) == ("/api/x/7/", b'{"a":1}')


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ReadTimeout("late"),
        httpx.ReadError("hung up"),
        httpx.RemoteProtocolError("half an answer"),
        httpx.Response(500),
        httpx.Response(502),
        httpx.Response(504),
    ],
    ids=repr,
)
async def test_what_may_have_been_done_is_said_so_and_not_sent_again(trouble):
    upstream = Upstream(0, trouble, httpx.Response(201))
    with pytest.raises(faults.UpstreamUncertain, match="it may have been done"):
        await open_ticket(upstream)
    assert len(upstream.requests) == 1


async def test_an_answer_to_a_write_that_cannot_be_read_is_uncertain():
    def unreadable(_: bytes) -> None:
        raise faults.UpstreamUnreadable("no JSON")

    upstream = Upstream(0, httpx.Response(201))
    with pytest.raises(faults.UpstreamUncertain, match="it was probably done"):
        await upstream.run(lambda net: net.write("POST", "/api/tickets/", Content(), unreadable))


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (httpx.ConnectError("refused"), faults.UpstreamUnreachable),
        (httpx.ConnectTimeout("no answer"), faults.UpstreamTimeout),
        (httpx.Response(400), faults.UpstreamFailed),
        (httpx.Response(503), faults.UpstreamFailed),
        (httpx.Response(429), faults.UpstreamRateLimited),
        (httpx.Response(403), faults.UpstreamRefused),
    ],
    ids=repr,
)
async def test_what_was_certainly_not_done_is_no_uncertainty(trouble, error):
    upstream = Upstream(0, trouble)
    with pytest.raises(error):
        await open_ticket(upstream)
    assert len(upstream.requests) == 1


async def test_a_429_holds_back_every_other_call_too():
    async def two_calls(net: WispHubNet) -> float:
        with pytest.raises(faults.UpstreamRateLimited):
            await net.write("POST", "/api/tickets/", Content(), bytes)
        start = asyncio.get_running_loop().time()
        await read_one(net)
        return asyncio.get_running_loop().time() - start

    refused = httpx.Response(429, headers={"retry-after": "7"})
    assert await Upstream(10, refused).run(two_calls) == pytest.approx(7, abs=0.1)


@pytest.mark.parametrize(
    "call",
    [
        read_one,
        lambda net: net.write("POST", "/api/tickets/", Content(), bytes),
    ],
    ids=["read", "write"],
)
async def test_a_person_does_not_wait_for_the_end_of_a_long_pause(call):
    async def two_calls(net: WispHubNet) -> None:
        with pytest.raises(faults.UpstreamRateLimited):
            await read_one(net)
        with pytest.raises(faults.UpstreamRateLimited) as raised:
            await call(net)
        assert raised.value.retry_after_s == 120

    upstream = Upstream(10, httpx.Response(429, headers={"retry-after": "120"}))
    await upstream.run(two_calls)
    assert (asyncio.get_running_loop().time(), len(upstream.requests)) == (0, 1)


async def test_while_it_is_down_calls_are_refused_at_once():
    async def many_calls(net: WispHubNet) -> None:
        for _ in range(3):
            with pytest.raises(faults.UpstreamError):
                await read_one(net)

    upstream = Upstream(10, *[httpx.ConnectError("refused")] * 99)
    await upstream.run(many_calls)
    assert len(upstream.requests) < 12
