"""Who may ask for what, over every route that there is."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar, get
from litestar.routes import HTTPRoute

from wisphub_api.api_keys import SCOPES, ApiKey, Caller, digest
from wisphub_api.app import create_app
from wisphub_api.demo import demo_settings
from wisphub_api.web.problems import exception_handlers
from wisphub_api.web.rules.admission import OPEN, SCOPE, Admission, admitting, required_scope
from wisphub_api.web.rules.keys import KeyRing

APP = create_app(demo_settings("http://127.0.0.1"))
ROUTES: list[tuple[str, str, dict[str, Any]]] = [
    (method, route.path_format, dict(handler.opt))
    for route in APP.routes
    if isinstance(route, HTTPRoute)
    for method, (handler, _) in route.route_handler_map.items()
    if method != "OPTIONS" and not route.path.startswith("/docs")
]
GUARDED = [route for route in ROUTES if not route[2].get(OPEN)]
REFERENCE = {"address": "BELLAVISTA", "internet_plan_price": 40000.0}


@pytest.fixture(scope="module")
def shared_settings(shared_settings):
    """Give settings with a key for each scope, named like it, and one for all."""
    keys = {scope: ApiKey(digest(scope.encode()), frozenset({scope})) for scope in SCOPES}
    return msgspec.structs.replace(shared_settings, api_keys=shared_settings.api_keys | keys)


def test_what_needs_no_key_is_known_here():
    assert {path for _, path, opt in ROUTES if opt.get(OPEN)} == {"/health", "/health/ready", "/metrics"}


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route[0]} {route[1]}")
def test_every_route_needs_a_scope_that_there_is_and_what_is_posted_says_which(route):
    method, _, opt = route
    assert required_scope(method, opt) in SCOPES
    assert method != "POST" or SCOPE in opt


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route[0]} {route[1]}")
async def test_every_route_asks_for_a_key_and_for_its_scope_before_anything_else(shared_api, route):
    method, path, opt = route
    url = path.format(
        **dict.fromkeys(
            ("service_id", "document", "phone", "plan_id", "task_id", "ticket_id", "zone_id", "name"), "1"
        )
    )
    needed = required_scope(method, opt)
    others = {scope for scope in SCOPES if not Caller("", frozenset({scope})).may(needed)}
    nobody = await shared_api.request(method, url, headers={"X-API-Key": ""})
    refused = [await shared_api.request(method, url, headers={"X-API-Key": other}) for other in others]
    assert nobody.status_code == 401
    assert len(refused) == (2 if needed == "verify" else 3)
    assert {answer.status_code for answer in refused} == {403}
    assert {answer.json()["type"] for answer in refused} == {"urn:wisphub-api:problem:not-allowed"}
    assert all(f"`{needed}`" in answer.json()["detail"] for answer in refused)


async def test_a_key_with_the_scope_is_let_through(shared_api):
    listed = await shared_api.get("/api/v1/clients/", headers={"X-API-Key": "read"})
    verified = [
        await shared_api.post("/api/v1/clients/7/verify", json=REFERENCE, headers={"X-API-Key": key})
        for key in ("read", "verify")
    ]
    refreshed = await shared_api.delete("/api/v1/cache/clients", headers={"X-API-Key": "write"})
    codes = [answer.status_code for answer in (listed, *verified, refreshed)]
    assert codes == [200, 200, 200, 202]


async def test_a_head_needs_what_a_get_does(shared_api):
    answers = [
        await shared_api.head("/api/v1/clients/", headers={"X-API-Key": key}) for key in ("read", "write")
    ]
    assert [answer.status_code for answer in answers] == [200, 403]


async def test_two_keys_in_one_request_are_nobodys(shared_api):
    headers = [("X-API-Key", "write"), ("X-API-Key", "read")]
    request = httpx.Request("GET", f"{shared_api.base_url}/api/v1/clients/", headers=headers)
    assert (await shared_api.send(request)).status_code == 401


@get(["/docs", "/docs/page", "/docs-of-subscribers", "/pages/docs"])
async def anything() -> None: ...


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/docs", 200),
        ("/docs/", 200),
        ("/docs/page", 200),
        ("/docs-of-subscribers", 401),
        ("/pages/docs", 401),
    ],
)
async def test_only_the_open_path_needs_no_key_not_what_looks_like_it(path, status):
    middleware = admitting(Admission((), KeyRing({}), None), open_path="/docs")
    app = Litestar([anything], middleware=[middleware], exception_handlers=exception_handlers())
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar's types are stricter than ASGI's
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        assert (await client.get(path)).status_code == status


@pytest.mark.parametrize(
    ("method", "opt", "needed"),
    [
        ("GET", {}, "read"),
        ("HEAD", {}, "read"),
        ("PUT", {}, "write"),
        ("DELETE", {}, "write"),
        ("POST", {}, "write"),
        ("POST", {SCOPE: "read"}, "read"),
        ("GET", {SCOPE: "diagnostics"}, "diagnostics"),
    ],
)
def test_the_method_tells_the_scope_unless_the_route_does(method, opt, needed):
    assert required_scope(method, opt) == needed


async def test_the_keys_of_a_file_let_in(serve, settings, tmp_path):
    file = tmp_path / "keys"
    file.touch(mode=0o600)
    file.write_text("reports/read:from-the-file")
    only_file = msgspec.structs.replace(settings, api_keys={}, api_keys_file=file)
    async with serve(only_file) as api:
        known = await api.get("/api/v1/clients/", headers={"X-API-Key": "from-the-file"})
        unknown = await api.get("/api/v1/clients/")
    assert [known.status_code, unknown.status_code] == [200, 401]


async def test_a_key_put_into_the_file_lets_in_while_the_service_runs(serve, settings, tmp_path, monkeypatch):
    monkeypatch.setattr("wisphub_api.web.rules.keys.LOOK_EVERY_S", 0.01)
    file = tmp_path / "keys"
    file.touch(mode=0o600)
    file.write_text("old:old-key")
    async with serve(msgspec.structs.replace(settings, api_keys_file=file)) as api:
        file.write_text("new:new-key")
        while not await is_known(api, "new-key"):  # noqa: ASYNC110  # nothing tells when a file is read
            await asyncio.sleep(0)
        assert not await is_known(api, "old-key")


async def is_known(api: httpx.AsyncClient, key: str) -> bool:
    return (await api.get("/api/v1/cache/", headers={"X-API-Key": key})).status_code == 200


def test_the_description_tells_what_a_key_may_be_refused_with():
    operation = APP.openapi_schema.to_schema()["paths"]["/api/v1/clients"]["get"]
    assert {"400", "401", "403", "414", "429", "431"} <= set(operation["responses"])
    assert "403" not in APP.openapi_schema.to_schema()["paths"]["/health"]["get"]["responses"]
