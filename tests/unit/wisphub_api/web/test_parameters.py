"""What would be read as something else than it is, and is refused instead."""

import gzip
import json

import pytest

CLAIM = json.dumps({"address": "BELLAVISTA", "internet_plan_price": 40000.0}).encode()
VERIFY = "/api/v1/clients/7/verify"


@pytest.fixture
def api(shared_api):
    return shared_api


@pytest.mark.parametrize(
    "number", ["7.0", "7e0", "70e-1", "null", "0x7", "1_0", "\u0667", "\uff17", "+7", "%207", "7%00"]
)
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/clients/by-service-id/{}", "service_id"),
        ("/internet-plans/{}", "plan_id"),
        ("/tickets/{}", "ticket_id"),
        ("/tickets/zone-blocked/{}", "zone_id"),
        ("/clients/?limit={}", "limit"),
        ("/clients/search?q=es&offset={}", "offset"),
    ],
)
async def test_only_digits_are_a_whole_number(api, path, field, number):
    answer = await api.get(f"/api/v1{path.format(number.replace('+', '%2B'))}")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": field, "detail": f"`{field}`: expected a whole number"}]


async def test_a_number_below_its_bound_is_told_the_bound(api):
    answer = await api.get("/api/v1/clients/?offset=-1")
    assert answer.json()["errors"] == [{"field": "offset", "detail": "expected a whole number >= 0"}]


@pytest.mark.parametrize("name", ["limit", "offset", "q"])
async def test_a_parameter_that_comes_twice_is_refused(api, name):
    answer = await api.get(f"/api/v1/clients/search?q=es&{name}=11&{name}=12")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": name, "detail": f"`{name}` is given more than once."}]


@pytest.mark.parametrize(
    ("path", "field", "detail"),
    [
        ("/clients/?limit=1&page=2", "page", "`page`: unknown parameter; allowed are limit, offset"),
        ("/tickets/subjects?q=x", "q", "`q`: unknown parameter; none is allowed here"),
        (
            "/clients/search?esperanza+benitez",
            "query",
            "`query`: unknown parameter; allowed are q, limit, offset",
        ),
        ("/clients/search?q=%ff", "query", "The query is not valid UTF-8."),
    ],
)
async def test_a_parameter_that_the_route_does_not_know_is_refused_and_no_value_repeated(
    api, path, field, detail
):
    answer = await api.get(f"/api/v1{path}")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": field, "detail": detail}]


async def test_what_watches_the_service_may_send_what_it_likes(api):
    assert (await api.get("/health?_=1700000000")).status_code == 200


@pytest.mark.parametrize(
    "media_type",
    [
        *("text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
        *("application/xml", "application/jsonp", "json", "", "application/json, text/plain"),
    ],
)
async def test_a_body_that_is_said_to_be_no_json_is_refused(api, media_type):
    answer = await api.post(VERIFY, content=CLAIM, headers={"Content-Type": media_type})
    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:wisphub-api:problem:unsupported-body"


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=utf-8", "application/vnd.bot.v2+json", None]
)
async def test_a_body_that_is_said_to_be_json_or_of_which_nothing_is_said_is_read(api, media_type):
    headers = {} if media_type is None else {"Content-Type": media_type}
    assert (await api.post(VERIFY, content=CLAIM, headers=headers)).json()["is_valid"]


@pytest.mark.parametrize("coding", ["gzip", "br", "gzip, gzip"])
async def test_a_packed_body_is_refused(api, coding):
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = await api.post(VERIFY, content=gzip.compress(CLAIM), headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (415, "Unsupported body")


async def test_no_body_needs_no_media_type(api):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await api.post("/api/v1/network/7/ping", content=b"", headers=headers)).status_code == 202


async def test_a_body_in_pieces_has_a_media_type_too(api):
    async def pieces():
        yield CLAIM

    answer = await api.post(VERIFY, content=pieces(), headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


async def test_a_route_without_a_body_does_not_look_at_one(api):
    answer = await api.request(
        "GET", "/api/v1/internet-plans/", content=b"x", headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 200


async def test_every_route_with_a_body_is_described_with_what_it_refuses(api):
    paths = (await api.get("/docs/openapi.json")).json()["paths"]
    operations = [operation for methods in paths.values() for operation in methods.values()]
    with_body = [operation for operation in operations if "requestBody" in operation]
    assert with_body
    assert all({"400", "413", "415", "422"} <= operation["responses"].keys() for operation in with_body)
