"""Which hosts the service answers for."""

import msgspec
import pytest

from wisphub_api.web.rules.admission import is_allowed

ALLOWED = frozenset({"api.example.com", "localhost", "[::1]", "10.0.0.7", "*.isp.example"})


@pytest.mark.parametrize(
    "host",
    [
        *(
            "api.example.com",
            "API.Example.COM",
            "api.example.com:8443",
            "api.example.com.",
            "api.example.com:",
        ),
        *("localhost:8000", "[::1]", "[::1]:8000", "10.0.0.7:8000", "a.isp.example", "b.a.isp.example:443"),
    ],
)
def test_a_host_is_known_whatever_its_port(host):
    assert is_allowed(host, ALLOWED)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "",
            "evil.example",
            "api.example.com.evil.example",
            "xapi.example.com",
            "example.com",
            "isp.example",
        ),
        *("[::2]", "::1", "localhost:80:80", "localhost@evil.example", "evil.example/api.example.com"),
        *("api.example.com:8443x", "*.isp.example.evil", ".isp.example", "localhost\udcff", "[localhost]"),
    ],
)
def test_any_other_host_is_not(host):
    assert not is_allowed(host, ALLOWED)


@pytest.fixture(scope="module")
def shared_settings(shared_settings):
    return msgspec.structs.replace(shared_settings, allowed_hosts=("service", "localhost"))


@pytest.mark.parametrize(("host", "status"), [("localhost:8000", 200), ("evil.example", 400), ("", 400)])
async def test_a_request_for_another_host_is_refused(shared_api, host, status):
    answer = await shared_api.get("/api/v1/internet-plans/", headers={"Host": host})
    assert answer.status_code == status
    assert status == 200 or answer.json()["type"] == "urn:wisphub-api:problem:unknown-host"


async def test_a_request_for_two_hosts_is_refused(shared_api):
    headers = [*shared_api.headers.items(), ("Host", "localhost"), ("Host", "evil.example")]
    assert (await shared_api.get("/api/v1/internet-plans/", headers=headers)).status_code == 400


async def test_the_host_is_looked_at_before_the_key(shared_api):
    answer = await shared_api.get("/api/v1/clients/", headers={"Host": "evil.example", "X-API-Key": "no"})
    assert answer.status_code == 400


async def test_who_watches_the_service_may_ask_by_its_address(shared_api):
    answers = [
        await shared_api.get(path, headers={"Host": "10.1.2.3:8000"}) for path in ("/health", "/metrics")
    ]
    assert {answer.status_code for answer in answers} == {200}


async def test_without_a_list_any_host_will_do(api):
    answer = await api.get("/api/v1/internet-plans/", headers={"Host": "whatever.example"})
    assert answer.status_code == 200
