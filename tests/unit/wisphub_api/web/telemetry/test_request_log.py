"""What is told of a request: its id to the caller, its way to the log, nothing of what it held."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar, get
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from wisphub_api.web.middleware import cache_outcome, observing
from wisphub_api.web.rules.current import CURRENT
from wisphub_api.web.telemetry.recorder import Telemetry
from wisphub_api.web.telemetry.request_log import MOST_PER_S, RequestLog, is_notable

Lines = Callable[[], list[dict[str, Any]]]
GUIDE = Path(__file__).parents[5] / "docs" / "operations.md"


@pytest.fixture
async def told(serve, settings):
    """Give a client of a service that tells of every request."""
    async with serve(msgspec.structs.replace(settings, log_sample=1)) as client:
        yield client


def request_lines(lines: Lines) -> list[dict[str, Any]]:
    return [line for line in lines() if line["event"] == "request"]


async def test_a_line_tells_how_a_request_went(told, lines):
    number = (await told.get("/api/v1/internet-plans/")).json()[0]["plan_id"]
    answer = await told.get(f"/api/v1/internet-plans/{number}", headers={"X-Request-ID": "chat.42_a-B"})
    line = request_lines(lines)[-1]
    assert 0 < line.pop("duration_ms") < 10_000
    assert line.pop("timestamp")
    assert line == {
        "event": "request",
        "level": "info",
        "logger": "wisphub_api.web.telemetry.request_log",
        "request_id": "chat.42_a-B",
        "key": "bot",
        "method": "GET",
        "route": "/api/v1/internet-plans/{plan_id}",
        "status": 200,
        "cache": "hit",
        "upstream_calls": 0,
        "bytes": len(answer.content),
    }


async def test_the_guide_shows_a_line_as_it_is(told, lines):
    await told.get("/health")
    (example,) = re.findall(r"```json\n(.*)\n```", GUIDE.read_text())
    assert list(json.loads(example)) == list(request_lines(lines)[0])


async def test_without_keys_callers_are_anonymous_and_have_no_address(serve, settings, lines):
    async with serve(msgspec.structs.replace(settings, log_sample=1, api_keys={})) as api:
        await api.get("/api/v1/tickets/subjects")
    assert [line["key"] for line in request_lines(lines)] == ["anonymous"]


async def test_calls_count_for_the_request_that_makes_them_and_loads_for_nobody(told, lines):
    await told.get("/api/v1/clients/")
    await told.get("/api/v1/tickets/999")
    await told.put("/api/v1/clients/7", json={"city": "Cali"})
    found = [(line["route"], line["cache"], line["upstream_calls"]) for line in request_lines(lines)]
    assert found == [
        ("/api/v1/clients", "miss", 0),
        ("/api/v1/tickets/{ticket_id}", None, 1),
        ("/api/v1/clients/{service_id}", "miss", 1),
    ]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("HEAD", "/api/v1/clients/", 200),
        ("GET", "/api/v1/nothing", 404),
        ("DELETE", "/health", 405),
        ("OPTIONS", "/api/v1/clients/", 204),
        ("POST", "/api/v1/clients/7/verify", 422),
        ("GET", "/" + "x" * 9_000, 414),
    ],
)
async def test_every_answer_carries_an_id(shared_api, method, path, status):
    answer = await shared_api.request(method, path)
    assert answer.status_code == status
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


@pytest.mark.parametrize("header", ["431", "413"])
async def test_so_does_one_to_a_request_that_is_too_large(shared_api, header):
    headers = {f"X-{number}": "x" for number in range(120)} if header == "431" else {}
    body = b"x" * 70_000 if header == "413" else None
    answer = await shared_api.post("/api/v1/clients/7/verify", headers=headers, content=body)
    assert str(answer.status_code) == header
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("good", ["a", "A-z_0.9", "x" * 64])
async def test_a_callers_own_id_comes_back(shared_api, good):
    assert (await shared_api.get("/health", headers={"X-Request-ID": good})).headers["x-request-id"] == good


@pytest.mark.parametrize("bad", ["", "x" * 65, "a b", "a\tb", "é", '{"a":1}', "a/b", "3001234567\x7f"])
async def test_one_that_is_no_id_does_not(shared_api, bad):
    told = (await shared_api.get("/health", headers={"X-Request-ID": bad.encode()})).headers["x-request-id"]
    assert told != bad
    assert re.fullmatch("[0-9a-f]{32}", told)


async def test_what_is_logged_in_the_course_of_a_request_carries_its_id(told, lines):
    wrong = {"address": "elsewhere", "internet_plan_price": 1.0}
    await told.post("/api/v1/clients/7/verify", json=wrong, headers={"X-Request-ID": "abc"})
    loads = [line for line in lines() if "loaded" in line["event"]]
    of_request = [line for line in lines() if line.get("request_id") == "abc"]
    assert {line["event"] for line in of_request} >= {"request"}
    assert [line for line in loads if "request_id" in line] == []
    assert CURRENT.get() is None


async def test_a_page_of_another_origin_may_send_and_read_the_id(serve, settings):
    page = "https://app.example.com"
    async with serve(msgspec.structs.replace(settings, cors_origins=(page,))) as api:
        answer = await api.get("/health", headers={"Origin": page})
        asked = {"Origin": page, "Access-Control-Request-Method": "GET"}
        preflight = await api.options(
            "/api/v1/clients/", headers={**asked, "Access-Control-Request-Headers": "x-request-id"}
        )
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
    assert "x-request-id" in preflight.headers["access-control-allow-headers"].lower()


@get("/fine")
async def fine() -> None: ...


@get("/{status:int}")
async def failing(status: FromPath[int]) -> None:
    raise HTTPException(status_code=status)


class Logging:
    """Records requests in the log alone."""

    def __init__(self, log: RequestLog) -> None:
        self._log = log

    def start_trace(self, *_: object) -> None: ...

    def record(self, exchange: Any, _: None) -> None:
        self._log.write(exchange)


def logged(app: Any, sample: float, **options: Any) -> Any:
    telemetry: Any = Logging(RequestLog(sample, **options))
    return observing(app, telemetry, None)


async def ask(path: str, sample: float, lines: Lines) -> list[dict[str, Any]]:
    app = Litestar([fine, failing], logging_config=None)
    app.asgi_handler = logged(app.asgi_handler, sample, draw=lambda: 0.5)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]  # Litestar's types are stricter than ASGI's
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        await client.get(path)
    return request_lines(lines)


@pytest.mark.parametrize(("sample", "count"), [(0, 0), (0.5, 0), (0.51, 1), (1, 1)])
async def test_of_fast_and_good_answers_a_sample_is_told(lines, sample, count):
    assert len(await ask("/fine", sample, lines)) == count


@pytest.mark.parametrize(("path", "count"), [("/404", 0), ("/429", 1), ("/500", 1), ("/503", 1)])
async def test_failures_and_limits_are_told_whatever_the_sample(lines, path, count):
    assert len(await ask(path, 0, lines)) == count


def test_so_are_slow_answers():
    assert (is_notable(200, 1.001), is_notable(200, 0.999)) == (True, False)


async def test_a_flood_of_failures_is_told_in_part(lines):
    now = [7.2]
    app = Litestar([failing], logging_config=None)
    app.asgi_handler = logged(app.asgi_handler, 0, clock=lambda: now[0])
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar's types are stricter than ASGI's
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for _ in range(MOST_PER_S + 20):
            await client.get("/503")
        assert len(request_lines(lines)) == MOST_PER_S
        now[0] = 8.0
        await client.get("/503")
    assert len(request_lines(lines)) == MOST_PER_S + 1


async def test_an_application_that_sends_nothing_is_told_as_the_500_that_its_server_sends(lines):
    async def silent(*_: object) -> None:
        raise RuntimeError("Esperanza")

    scope: Any = {"type": "http", "method": "GET", "headers": [], "raw_path": b"/", "query_string": b""}
    with pytest.raises(RuntimeError):
        await logged(silent, 0)(scope, None, None)
    (line,) = request_lines(lines)
    assert (line["status"], line["bytes"], "Esperanza" in str(line)) == (500, 0, False)


@pytest.mark.parametrize(
    ("field", "outcome"),
    [
        (b"wisphub-api; hit; ttl=299", "hit"),
        (b"wisphub-api; hit; ttl=-3; detail=stale", "stale"),
        (b"wisphub-api; fwd=miss; stored; collapsed; ttl=300", "miss"),
        (None, None),
    ],
)
def test_what_a_cache_had_to_do_with_an_answer_is_read_from_what_the_answer_says(field, outcome):
    headers = [(b"etag", b"x"), *([(b"Cache-Status", field)] if field else [])]
    assert cache_outcome(headers) == outcome


async def test_what_is_no_http_passes_by(settings, lines):
    passed = []

    async def app(*given: object) -> None:
        passed.append(given)

    given: Any = ({"type": "websocket"}, None, None)
    await observing(app, Telemetry(settings), None)(*given)
    assert (passed, lines()) == ([given], [])
