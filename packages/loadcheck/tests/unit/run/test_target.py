import http.client

import pytest

from loadcheck.run.server import free_port
from loadcheck.run.target import Target


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8000",
        "localhost",
        "ftp://a.example",
        "https://",
        "http://a.example:http",
        "http://a.example:0",
    ],
)
def test_what_is_no_url_of_a_web_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="a target is an http:// or https:// URL, not ") as caught:
        Target("target", url)
    assert repr(url) in str(caught.value)


def test_a_slash_at_the_end_says_nothing() -> None:
    assert Target("target", "http://a.example/api/").url == "http://a.example/api"


@pytest.mark.parametrize(
    ("url", "kind", "port"),
    [
        ("https://a.example", http.client.HTTPSConnection, 443),
        ("http://a.example", http.client.HTTPConnection, 80),
        ("http://a.example:8080/api", http.client.HTTPConnection, 8080),
        ("https://[::1]:8443", http.client.HTTPSConnection, 8443),
    ],
)
def test_the_url_says_how_to_connect(url: str, kind: type[http.client.HTTPConnection], port: int) -> None:
    connection = Target("target", url).connect(3)
    assert (type(connection), connection.port, connection.timeout) == (kind, port, 3)
    assert connection.sock is None  # nothing was opened


def test_it_is_asked_for_a_path(small_target: Target) -> None:
    target = Target("target", small_target.url)
    assert target.get("/good", {"X-Api-Key": "k"}) == (200, b'[{"id":7}]')
    assert target.request("POST", "/broken", body=b"x") == (500, b"")


def test_paths_are_below_its_own(small_target: Target) -> None:
    assert Target("target", f"{small_target.url}/below").get("/tea")[0] == 418


def test_an_answer_of_2xx_is_one(small_target: Target) -> None:
    assert small_target.answers("/good")
    assert not small_target.answers("/broken")


def test_nobody_there_is_no_answer() -> None:
    nobody = Target("target", f"http://127.0.0.1:{free_port()}")
    assert not nobody.answers("/good")
    assert nobody.metric("/metrics", "small_lag_seconds") is None
    with pytest.raises(ConnectionRefusedError):
        nobody.get("/good")


def test_of_several_processes_metrics_the_highest_counts(small_target: Target) -> None:
    assert small_target.metric("/metrics", "small_lag_seconds") == 0.003


@pytest.mark.parametrize("path", ["/metrics", "/wrong", "/broken"])
def test_a_metric_that_is_not_there_is_unknown(path: str, small_target: Target) -> None:
    assert small_target.metric(path, "other") is None
