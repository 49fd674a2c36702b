"""How much of a request is read."""

import pytest

from wisphub_api.web.problems import BODY_MAX_BYTES
from wisphub_api.web.rules.fields import HEADER_MAX_BYTES, HEADER_MAX_FIELDS, URI_MAX_BYTES

SEARCH = "/api/v1/clients/search?q="


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (SEARCH + "x" * 8_000 + "&" * (URI_MAX_BYTES - 8_000 - len(SEARCH) + 1), 422),
        (SEARCH + "x" * URI_MAX_BYTES, 414),
        ("/api/v1/clients/by-document/" + "x" * URI_MAX_BYTES, 414),
        ("/" + "x" * URI_MAX_BYTES, 414),
    ],
    ids=["8 kB", "long query", "long document", "long path that there is not"],
)
async def test_a_uri_of_more_than_8_kb_is_refused(shared_api, path, status):
    answer = await shared_api.get(path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("X-Long", "x" * (HEADER_MAX_BYTES - 500))], 200),
        ([("X-Long", "x" * HEADER_MAX_BYTES)], 431),
        ([("X-Many", "x" * 1000)] * 40, 431),
        ([("X-Many", "x")] * (HEADER_MAX_FIELDS - 20), 200),
        ([("X-Many", "x")] * (HEADER_MAX_FIELDS + 1), 431),
    ],
    ids=["long", "too long", "too long in all", "many", "too many"],
)
async def test_a_header_of_more_than_32_kb_or_100_fields_is_refused(shared_api, headers, status):
    answer = await shared_api.get("/api/v1/internet-plans/", headers=[*shared_api.headers.items(), *headers])
    assert answer.status_code == status
    assert status == 200 or answer.json()["type"] == "urn:wisphub-api:problem:headers-too-large"


async def test_a_body_in_pieces_is_counted_too(shared_api):
    async def pieces():
        for _ in range(10):
            yield b"x" * (BODY_MAX_BYTES // 8)

    answer = await shared_api.post("/api/v1/clients/7/verify", content=pieces())
    assert answer.status_code == 413


async def test_what_is_refused_is_counted_by_its_status_alone(api):
    await api.get("/api/v1/clients/by-document/" + "x" * URI_MAX_BYTES)
    metrics = (await api.get("/metrics")).text
    assert 'wisphub_http_requests_total{method="GET",route="unmatched",status="414"} 1.0' in metrics
