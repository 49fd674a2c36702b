"""The short way gives byte for byte what the long way gives, and steps aside for the rest."""

from typing import Any

import brotli
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.wisphub_api.web.both_ways import VERIFIER, WHOLE, grown, key

from wisphub_api.cache.representation import Representation, represent
from wisphub_api.cache.slot import Reading
from wisphub_api.web.hot_path import HotPath, Shortcut, Shortcuts, only_q
from wisphub_api.web.short_answers import heeded

SHORT = [
    *WHOLE,
    "/api/v1/clients/by-service-id/7",
    "/api/v1/clients/by-document/34567890",
    "/api/v1/clients/by-phone/3104567890",
    "/api/v1/clients/search?q=esperanza",
    "/api/v1/internet-plans/11",
]


def field_of(answer: Any, name: bytes) -> bytes | None:
    return dict(answer[1]).get(name)


@pytest.mark.parametrize("path", SHORT)
def test_each_route_has_a_short_way_that_tells_the_same(both, runner, path):
    status, headers, _, body = runner.run(both.compare("GET", path.encode(), [key()]))
    assert both.short_answers == 1
    assert status == 200
    assert int(dict(headers)[b"content-length"]) == len(body) > 2
    again = runner.run(
        both.compare("GET", path.encode(), [key(), (b"if-none-match", dict(headers)[b"etag"])])
    )
    assert (again[0], again[3], both.short_answers) == (304, b"", 2)


@pytest.mark.parametrize("coding", ["br", "gzip", "zstd"])
def test_the_list_is_sent_compressed_once_the_form_is_made(both, runner, coding):
    headers = [key(), (b"accept-encoding", coding.encode())]
    first = runner.run(both.compare("GET", b"/api/v1/clients/", headers))  # makes it on the long way
    second = runner.run(both.compare("GET", b"/api/v1/clients/", headers))
    assert both.short_answers >= 1
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
    "headers",
    [
        [],
        [key("unknown")],
        [key(VERIFIER)],
        [key(), key()],
        [key(), (b"cache-control", b"no-cache")],
        [key(), (b"origin", b"https://evil.example")],
        [key(), (b"content-length", b"0")],
        [key(), (b"transfer-encoding", b"chunked")],
        [key(), (b"if-none-match", b'"a"'), (b"if-none-match", b"*")],
        [key(), *[(b"x-%d" % number, b"1") for number in range(30)]],
        [key(), (b"x-long", b"a" * 40_000)],
    ],
)
def test_it_steps_aside_for_what_it_does_not_know(both, runner, headers):
    runner.run(both.compare("GET", b"/api/v1/clients/by-service-id/7", headers))
    assert both.short_answers == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/api/v1/clients/"),
        ("POST", "/api/v1/clients/"),
        ("OPTIONS", "/api/v1/clients/"),
        ("GET", "/api/v1/clients"),
        ("GET", "/api/v1/clients/?limit=2"),
        ("GET", "/api/v1/clients/by-service-id/"),
        ("GET", "/api/v1/clients/by-service-id/007"),
        ("GET", "/api/v1/clients/by-service-id/-1"),
        ("GET", "/api/v1/clients/by-service-id/7.0"),
        ("GET", "/api/v1/clients/by-service-id/999999"),
        ("GET", "/api/v1/clients/by-document/no-such"),
        ("GET", "/api/v1/clients/search?q=e"),
        ("GET", "/api/v1/clients/search?q=" + "e" * 201),
        ("GET", "/api/v1/clients/search?q=esperanza&limit=1"),
        ("GET", "/api/v1/clients/search?q=esperanza&q=x"),
        ("GET", "/api/v1/clients/search?q=%ff%fe"),
        ("GET", "/api/v1/clients/search"),
        ("GET", "/api/v1/internet-plans/999999"),
        ("GET", "/health"),
    ],
)
def test_it_leaves_other_requests_to_the_long_way(both, runner, method, path):
    runner.run(both.compare(method, path.encode(), [key()]))
    assert both.short_answers == 0


TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
SEGMENT = st.one_of(
    st.sampled_from(["7", "34567890", "3104567890", "11", "+573104567890", "34.567.890", "0", "12"]),
    st.integers(-5, 10**20).map(str),
    TEXT.map(lambda text: httpx.QueryParams({"q": text}).__str__()[2:]),
)
QUERY = st.one_of(
    st.sampled_from(
        ["q=esperanza", "q=benitez+esperanza", "q=%C3%B1", "q=", "q", "limit=1", "q=es%20pe", "Q=ab", ""]
    ),
    TEXT.map(lambda text: str(httpx.QueryParams({"q": text}))),
    st.binary(max_size=6).map(lambda raw: "q=" + "".join(f"%{byte:02x}" for byte in raw)),
)
PATH = st.one_of(
    st.sampled_from(WHOLE),
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
        for path in SHORT:
            runner.run(way("GET", path.encode(), [key()]))
        return grown(before, runner.run(both.counted()))

    by_short, by_long = ask(both.short), ask(both.long)
    assert both.short_answers == len(SHORT)
    assert by_short == by_long
    assert sum(n for (name, _), n in by_short.items() if name == "wisphub_cache_answers_total") == len(SHORT)


def test_a_changed_client_is_shown_at_once(both, runner):
    path = b"/api/v1/clients/by-service-id/8"
    before = runner.run(both.short("GET", path, [key()]))
    change = b'{"name": "Otra Persona"}'
    runner.run(both.long("PUT", b"/api/v1/clients/8", [key()], change))
    after = runner.run(both.compare("GET", path, [key()]))
    assert b"Otra Persona" in after[3]
    assert b"Otra Persona" not in before[3]
    assert both.short_answers == 2


class Known:
    """A cache that holds one value."""

    def glance(self) -> Reading[str]:
        return Reading("the value", 0.0, 300.0)

    def note(self, _: object) -> None: ...


@pytest.fixture
def found() -> list[str]:
    """Hold what a route had to find."""
    return []


@pytest.fixture
def hot(found) -> HotPath:
    """Give a short way with one route, open to all."""

    def find(_: str, text: str) -> Representation:
        found.append(text)
        return represent({"text": text})

    cached: Any = Known()
    return HotPath(
        None, Shortcuts({}, {"/of": Shortcut("/of/{text}", cached, find)}, {}, {}), lambda *_: None, 0.0
    )


def test_an_answer_is_found_once_in_a_value(hot, found):
    for coding in (b"gzip", b"gzip", b"br", b"gzip"):
        assert hot.answer(b"/of/7", [(b"accept-encoding", coding)])
    assert found == ["7", "7"]  # for each coding once


def test_what_a_route_remembers_is_bounded(hot, found, monkeypatch):
    monkeypatch.setattr("wisphub_api.web.hot_path.MEMORY_BYTES", 5_000)
    for number in (*range(10), 9, 0):
        hot.answer(b"/of/%d" % number, [])
    assert found == [*map(str, range(10)), "0"]  # the last one is remembered, the first no longer


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (b"q=a", "a"),
        (b"q=a+b%20c", "a b c"),
        (b"q=%C3%B1", "ñ"),
        (b"q=", ""),
        (b"q=a&b=c", None),
        (b"q=a;b", None),
        (b"Q=a", None),
        (b"q=%ff", None),
    ],
)
def test_a_query_of_q_alone_is_read(query, text):
    assert only_q(query) == text


def test_a_long_header_is_left_to_the_long_way():
    known = {b"x-api-key": 0}
    fields = [(b"x-api-key", b"k")]
    assert heeded(b"/", fields, known, 2) == [b"k", None]
    assert heeded(b"/", [(b"a", b"b" * 3_000)], known, 2) is None
    assert heeded(b"/?q=" + b"q" * 3_000, fields, known, 2) is None
