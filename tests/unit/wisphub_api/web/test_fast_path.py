"""The fast path answers byte for byte what the router answers, and leaves the rest to it."""

import json
import time
from typing import Any

import brotli
import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.wisphub_api.web.both_ways import ANSWERED, VERIFIER, WHOLE, Both, grown, key, running

from wisphub_api.web.fast_path import FAST_PATH


def field_of(answer: Any, name: bytes) -> bytes | None:
    return dict(answer[1]).get(name)


@pytest.mark.parametrize("path", ANSWERED)
def test_each_route_is_answered_by_the_fast_path_as_by_the_router(both, runner, path):
    status, headers, _, body = runner.run(both.compare("GET", path.encode(), [key()]))
    assert both.fast_answers == 1
    assert status == 200
    assert int(dict(headers)[b"content-length"]) == len(body) > 2
    known = [key(), (b"if-none-match", dict(headers)[b"etag"])]
    again = runner.run(both.compare("GET", path.encode(), known))
    assert (again[0], again[3], both.fast_answers) == (304, b"", 2)
    head = runner.run(both.compare("HEAD", path.encode(), [key()]))
    assert (head.status, head.body, both.fast_answers) == (200, b"", 3)
    assert int(dict(head.fields)[b"content-length"]) == len(body)


@pytest.mark.parametrize("coding", ["br", "gzip", "zstd"])
def test_the_list_is_sent_compressed_once_the_form_is_made(both, runner, coding):
    headers = [key(), (b"accept-encoding", coding.encode())]
    first = runner.run(both.compare("GET", b"/api/v1/clients/", headers))  # makes it on the long way
    second = runner.run(both.compare("GET", b"/api/v1/clients/", headers))
    assert both.fast_answers >= 1
    assert (first.status, first.body) == (second.status, second.body)
    assert field_of(first, b"content-encoding") == coding.encode()
    assert field_of(first, b"vary") == b"X-API-Key, Accept-Encoding"
    plain = runner.run(both.compare("GET", b"/api/v1/clients/", [key()]))
    assert field_of(plain, b"etag") != field_of(first, b"etag")
    if coding == "br":
        assert brotli.decompress(first[3]) == plain[3]
    known = [*headers, (b"if-none-match", field_of(first, b"etag") or b"")]
    assert runner.run(both.compare("GET", b"/api/v1/clients/", known))[0] == 304


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 401),
        ([key("unknown")], 401),
        ([key(VERIFIER)], 403),
        ([key(), key()], 401),
        ([key(), (b"content-length", b"0")], 200),
        ([key(), (b"transfer-encoding", b"chunked")], 200),
        ([key(), *[(b"x-%d" % number, b"1") for number in range(101)]], 431),
        ([key(), (b"x-long", b"a" * 40_000)], 431),
    ],
)
def test_what_it_does_not_know_is_left_to_the_router(both, runner, headers, status):
    answer = runner.run(both.compare("GET", b"/api/v1/clients/by-service-id/7", headers))
    assert (answer.status, both.fast_answers) == (status, 0)


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-request-id", b"0f7d8c6a5b4e3f2a1b0c9d8e7f6a5b4c")],
        [(b"cache-control", b"max-age=60")],
        [(b"cache-control", b"max-age=60"), (b"cache-control", b"max-stale=5")],
        [(b"origin", b"https://no-page.example")],
        [(b"if-none-match", b'"a"'), (b"if-none-match", b"*")],
        [(b"x-%d" % number, b"1" * 200) for number in range(90)],
        [(b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-proto", b"https"), (b"via", b"1.1 proxy")],
    ],
)
def test_what_proxies_and_clients_send_keeps_nothing_from_the_fast_path(both, runner, headers):
    runner.run(both.compare("GET", b"/api/v1/clients/by-service-id/7", [key(), *headers]))
    assert both.fast_answers == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/v1/clients/", 405),
        ("OPTIONS", "/api/v1/clients/", 204),
        ("GET", "/api/v1/clients/?limit=0", 422),
        ("GET", "/api/v1/clients/?limit=-1", 422),
        ("GET", "/api/v1/clients/?limit=2&limit=3", 422),
        ("GET", "/api/v1/clients/?offset=2147483648", 422),
        ("GET", "/api/v1/clients/?colour=red", 422),
        ("GET", "/api/v1/clients/by-service-id/7?limit=1", 422),
        ("GET", "/api/v1/clients/by-service-id/", 404),
        ("GET", "/api/v1/clients/by-service-id/007", 422),
        ("GET", "/api/v1/clients/by-service-id/-1", 422),
        ("GET", "/api/v1/clients/by-service-id/7.0", 422),
        ("GET", "/api/v1/clients/by-service-id/999999", 404),
        ("GET", "/api/v1/clients/by-document/no-such", 404),
        ("GET", "/api/v1/clients/search?q=e", 422),
        ("GET", "/api/v1/clients/search?q=" + "e" * 201, 422),
        ("GET", "/api/v1/clients/search?q=%C3%9F", 422),
        ("GET", "/api/v1/clients/search?q=+e+", 422),
        ("GET", "/api/v1/clients/search?q=esperanza&q=x", 422),
        ("GET", "/api/v1/clients/search?q=%ff%fe", 422),
        ("GET", "/api/v1/clients/search", 422),
        ("GET", "/api/v1/clients/search?q=esperanza#fragment", 200),
        ("GET", "/api/v1/clients/#fragment", 200),
        ("GET", "/api/v1/internet-plans/999999", 404),
        ("GET", "/health", 200),
    ],
)
def test_it_leaves_other_requests_to_the_router(both, runner, method, path, status):
    answer = runner.run(both.compare(method, path.encode(), [key()]))
    assert (answer.status, both.fast_answers) == (status, 0)


@pytest.mark.parametrize(
    "query", ["q=espe%C3%B1o", "q=espe\u00f1o", "q=es+pe&limit=3&offset=0", "offset=1&q=an"]
)
def test_a_query_is_read_alike_as_it_is_and_encoded(both, runner, query):
    answer = runner.run(both.compare("GET", f"/api/v1/clients/search?{query}".encode(), [key()]))
    assert (answer.status, both.fast_answers) == (200, 1)


TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
SEGMENT = st.one_of(
    st.sampled_from(["7", "34567890", "3104567890", "11", "+573104567890", "34.567.890", "0", "12"]),
    st.integers(-5, 10**20).map(str),
    TEXT.map(lambda text: httpx.QueryParams({"q": text}).__str__()[2:]),
)
QUERY = st.one_of(
    st.sampled_from(
        [
            *(
                "q=esperanza",
                "q=benitez+esperanza",
                "q=%C3%B1",
                "q=",
                "q",
                "limit=1",
                "q=es%20pe",
                "Q=ab",
                "",
            ),
            *("q=an&limit=2", "q=an&offset=1", "offset=3&q=an&limit=1", "q=an&limit=0", "q=an;b"),
            *("q=\u00f1", "q=an&x=1", "q=%C3%9F", "q=%C3%9F%C3%9F", "q=%EF%AC%80"),
        ]
    ),
    TEXT.map(lambda text: str(httpx.QueryParams({"q": text}))),
    st.binary(max_size=6).map(lambda raw: "q=" + "".join(f"%{byte:02x}" for byte in raw)),
)
PATH = st.one_of(
    st.sampled_from(WHOLE),
    st.builds(
        lambda path, query: f"{path}?{query}",
        st.sampled_from([*WHOLE, "/api/v1/clients", "/api/v1/clients/by-phone/3104567890"]),
        st.sampled_from(
            ["limit=1", "limit=2&offset=1", "offset=99", "limit=x", "limit=", "limit=%31", "q=a", ""]
        ),
    ),
    st.builds(
        lambda route, segment: f"/api/v1/clients/{route}/{segment}",
        st.sampled_from(["by-document", "by-phone", "by-service-id"]),
        SEGMENT,
    ),
    SEGMENT.map(lambda segment: f"/api/v1/internet-plans/{segment}"),
    QUERY.map(lambda query: f"/api/v1/clients/search?{query}"),
)
HEADER = st.one_of(
    st.sampled_from(
        [
            (b"accept-encoding", b"gzip, br"),
            (b"accept-encoding", b"identity;q=0"),
            (b"accept-encoding", b"zstd;q=0.5, *;q=0.1"),
            (b"accept", b"text/html"),
            (b"if-none-match", b"*"),
            (b"if-none-match", b'W/"abc", "def"'),
            (b"x-request-id", b"mine-1"),
            (b"x-request-id", b"not mine"),
            (b"cache-control", b"max-age=100"),
            (b"range", b"bytes=0-1"),
            (b"if-modified-since", b"Mon, 23 Nov 2026 00:00:00 GMT"),
            (b"host", b"elsewhere"),
            (b"origin", b"null"),
            (b"connection", b"close"),
            (b"expect", b"100-continue"),
            (b"cookie", b"a=b"),
            (b"content-type", b"application/json"),
            (b"x-forwarded-for", b"1.2.3.4"),
            (b"x-http-method-override", b"DELETE"),
        ]
    ),
    st.tuples(
        st.sampled_from([b"if-none-match", b"accept-encoding", b"x-other", b"user-agent"]),
        st.binary(max_size=20).filter(lambda raw: not any(byte < 32 or byte == 127 for byte in raw)),
    ),
)
KEYS = st.sampled_from(
    [[key()], [key()], [key()], [key(VERIFIER)], [key("wrong")], [], [key(), key(VERIFIER)]]
)


FIELDS = st.builds(lambda keys, others: [*keys, *others], KEYS, st.lists(HEADER, max_size=5))


@settings(
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(path=PATH, fields=FIELDS, method=st.sampled_from(["GET", "GET", "HEAD"]))
def test_whatever_is_asked_both_ways_tell_the_same(both, runner, path, fields, method):
    runner.run(both.compare(method, path.encode(), fields))


def test_answers_by_either_way_are_counted_alike(both, runner):
    def ask(way: Any) -> dict[Any, float]:
        before = runner.run(both.counted())
        for path in ANSWERED:
            runner.run(way("GET", path.encode(), [key()]))
        return grown(before, runner.run(both.counted()))

    by_short, by_long = ask(both.fast), ask(both.router)
    assert both.fast_answers == len(ANSWERED)
    assert by_short == by_long
    assert sum(n for (name, _), n in by_short.items() if name == "wisphub_cache_answers_total") == len(
        ANSWERED
    )


def test_a_changed_client_is_shown_at_once(both, runner):
    path = b"/api/v1/clients/by-service-id/8"
    before = runner.run(both.fast("GET", path, [key()]))
    change = b'{"name": "Otra Persona"}'
    runner.run(both.router("PUT", b"/api/v1/clients/8", [key()], change))
    after = runner.run(both.compare("GET", path, [key()]))
    assert b"Otra Persona" in after[3]
    assert b"Otra Persona" not in before[3]
    assert both.fast_answers == 2


def test_no_answer_of_a_value_before_is_given(both, runner):
    path = b"/api/v1/clients/search?q=otra+vez"
    before = runner.run(both.compare("GET", path, [key()]))
    change = {"name": "Otra Vez"}
    runner.run(both.router("PUT", b"/api/v1/clients/9", [key()], json.dumps(change).encode()))
    after = runner.run(both.compare("GET", path, [key()]))
    assert (before.body, after.body.count(b"Otra Vez")) == (b"[]", 1)
    assert both.fast_answers == 2


def test_a_stale_answer_is_logged_as_one_by_either_way(runner, settings_of_both, lines, monkeypatch):
    settings = msgspec.structs.replace(settings_of_both, log_sample=1.0)
    claim = b'{"name": "Esperanza", "address": "elsewhere"}'
    check = ("POST", b"/api/v1/clients/7/verify", [key(), (b"content-length", b"%d" % len(claim))], claim)
    with running(runner, settings) as app:
        both = Both(app, settings)
        later_s = settings.clients_ttl_s + 10
        for cached in app.state["needed"]:
            monkeypatch.setattr(cached, "_clock", lambda: time.monotonic() + later_s)
        known = len(lines())
        for way in (both.fast, both.router):
            runner.run(way("GET", b"/api/v1/clients/by-service-id/7", [key()]))
            runner.run(way(*check))
    requests = [line for line in lines()[known:] if line["event"] == "request"]
    assert [line["cache"] for line in requests] == ["stale"] * 4
    assert both.fast_answers == 2


def test_the_line_of_a_request_names_its_callers_trace_by_either_way(runner, settings_of_both, lines):
    settings = msgspec.structs.replace(
        settings_of_both, log_sample=1.0, traces_collector="http://127.0.0.1:9"
    )
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    fields = [key(), (b"traceparent", f"00-{trace}-00f067aa0ba902b7-00".encode())]
    with running(runner, settings) as app:
        both, known = Both(app, settings), len(lines())
        for way in (both.fast, both.router):
            runner.run(way("GET", b"/api/v1/clients/by-service-id/7", fields))
        written = lines()[known:]
    assert [line["trace_id"] for line in written if line["event"] == "request"] == [trace] * 2
    assert both.fast_answers == 1


def test_an_answer_is_made_once(app_of_both):
    fast_path = app_of_both.state[FAST_PATH]
    target, fields = b"/api/v1/clients/by-service-id/7", [key()]
    first = fast_path.get("GET", target, fields, None)
    second = fast_path.get("GET", target, fields, None)
    assert first is not None
    assert second is not None
    assert first.body is second.body
