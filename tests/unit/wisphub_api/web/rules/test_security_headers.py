"""What browsers are told, whatever the answer is."""

import base64
import hashlib

import msgspec
import pytest

from wisphub_api.web.rules.security_headers import page_policy

PAGE = "https://app.example.com"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/clients/by-service-id/7", 200),
        ("HEAD", "/api/v1/clients/by-service-id/7", 200),
        ("GET", "/api/v1/clients/by-service-id/x", 422),
        ("GET", "/nothing/here", 404),
        ("DELETE", "/api/v1/clients/", 405),
        ("GET", "/health", 200),
        ("GET", "/metrics", 200),
        ("OPTIONS", "/api/v1/clients/", 204),
        ("GET", "/docs-assets/swagger-ui.css", 200),
        ("GET", f"/api/v1/clients/search?q={'x' * 9000}", 414),
    ],
)
async def test_every_answer_forbids_to_guess_to_run_to_frame_and_to_pass_on(shared_api, method, path, status):
    answer = await shared_api.request(method, path)
    assert answer.status_code == status
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers.get_list("referrer-policy") == ["no-referrer"]
    assert answer.headers.get_list("content-security-policy") == [
        "default-src 'none'; frame-ancestors 'none'"
    ]


async def test_an_unknown_key_gets_the_headers_too(shared_api):
    answer = await shared_api.get("/api/v1/clients/", headers={"X-API-Key": "no"})
    assert (answer.status_code, answer.headers["x-content-type-options"]) == (401, "nosniff")


def test_a_page_may_run_what_comes_from_here_and_its_own_scripts_and_no_other():
    script = b"\n const ui = 1; "
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    html = b"<html><script src='/x.js' crossorigin></script><script type='a'>" + script + b"</script></html>"
    policy = page_policy(html).decode()
    assert f"script-src 'self' 'sha256-{digest}'; " in policy
    assert policy.count("sha256-") == 1
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy.split("style-src")[0]


async def test_no_page_of_another_origin_is_invited(shared_api):
    asked = await shared_api.get("/api/v1/internet-plans/", headers={"Origin": PAGE})
    preflight = await shared_api.options(
        "/api/v1/internet-plans/", headers={"Origin": PAGE, "Access-Control-Request-Method": "GET"}
    )
    assert [
        name for answer in (asked, preflight) for name in answer.headers if "access-control" in name
    ] == []


@pytest.fixture
def invited(settings):
    return msgspec.structs.replace(settings, cors_origins=(PAGE,))


async def test_a_page_that_is_named_may_ask_and_read_what_it_is_told(serve, invited):
    async with serve(invited) as api:
        asked = await api.get("/api/v1/internet-plans/", headers={"Origin": PAGE})
        preflight = await api.options(
            "/api/v1/clients/7/verify",
            headers={
                "Origin": PAGE,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type,x-api-key",
                "X-API-Key": "",
            },
        )
    assert (asked.status_code, preflight.status_code) == (200, 204)
    assert {answer.headers["access-control-allow-origin"] for answer in (asked, preflight)} == {PAGE}
    assert "X-Total-Count" in asked.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in asked.headers


async def test_a_page_that_is_not_named_may_not(serve, invited):
    async with serve(invited) as api:
        for origin in ("https://evil.example", f"{PAGE}.evil.example", "null", "http://app.example.com"):
            headers = {"Origin": origin}
            asked = await api.get("/api/v1/internet-plans/", headers=headers)
            preflight = await api.options(
                "/api/v1/internet-plans/", headers=headers | {"Access-Control-Request-Method": "GET"}
            )
            assert "access-control-allow-origin" not in asked.headers, origin
            assert "access-control-allow-origin" not in preflight.headers, origin
            assert preflight.status_code == 400
