import gzip

import brotli
import pytest
import zstandard

from benchmarks.peers.answers import Answer, what_is_missing, what_is_wrong
from benchmarks.peers.cases import Case
from benchmarks.peers.wrk import Ask

ROWS = b'[{"service_id":2,"name":"B"},{"service_id":1,"name":"A"}]'
PLAIN = Case(name="list", asks=(Ask("/"),))
GZIP = Case(name="list, gzip", asks=(Ask("/"),), coding="gzip")
UNCHANGED = Case(name="list, 304", asks=(Ask("/"),), status=304)


def answer(body: bytes, status: int = 200, **headers: str) -> Answer:
    return Answer(status, tuple((name.replace("_", "-"), value) for name, value in headers.items()), body)


@pytest.mark.parametrize(
    ("coding", "encode"),
    [("gzip", gzip.compress), ("br", brotli.compress), ("zstd", zstandard.ZstdCompressor().compress)],
)
def test_compressed_content_is_the_same_content(coding, encode):
    case = Case(name="list", asks=(), coding=coding)
    assert what_is_wrong(case, answer(ROWS), answer(encode(ROWS), Content_Encoding=coding)) == ""


def test_the_order_of_a_list_is_left_to_the_server():
    turned = b'[{"name":"A","service_id":1},{"service_id":2,"name":"B"}]'
    assert what_is_wrong(PLAIN, answer(ROWS), answer(turned)) == ""


def test_where_servers_rank_differently_the_number_of_items_is_compared():
    ranked = Case(name="search, limit", asks=(), is_ranked=True)
    assert what_is_wrong(ranked, answer(ROWS), answer(ROWS.replace(b"A", b"a"))) == ""
    assert what_is_wrong(ranked, answer(ROWS), answer(b"[]")) == "answers something else"


@pytest.mark.parametrize("body", [b"[]", b'{"detail":"no"}', ROWS.replace(b"A", b"a")])
def test_other_content_cannot_be_compared(body):
    assert what_is_wrong(PLAIN, answer(ROWS), answer(body)) == "answers something else"


@pytest.mark.parametrize(
    ("case", "given", "missing"),
    [
        (PLAIN, answer(ROWS), ""),
        (PLAIN, answer(b"", 401), "answers 401"),
        (GZIP, answer(ROWS), "not offered"),
        (GZIP, answer(ROWS, Content_Encoding="br"), "not offered"),
        (GZIP, answer(b"", Content_Encoding="gzip"), ""),
        (UNCHANGED, answer(b"", 304), ""),
        (UNCHANGED, answer(ROWS), "not offered"),
        (UNCHANGED, answer(b"", 500), "answers 500"),
    ],
)
def test_what_a_server_lacks_is_told_from_what_it_gets_wrong(case, given, missing):
    assert what_is_missing(case, given) == missing


def test_an_answer_is_recorded_without_what_each_server_adds_itself():
    given = answer(b"[]", ETag='"x"', Date="today", Server="s", Connection="keep-alive", Content_Length="2")
    expected = ("/a b", "q=1%202", 200, [(b"etag", b'"x"'), (b"content-length", b"2")], b"[]")
    assert given.recorded("/a%20b?q=1%202") == expected


def test_an_answer_is_sent_again_as_it_came():
    given = answer(b"[]", ETag='"x"', Date="today", Content_Length="2")
    expected = b'HTTP/1.1 200 OK\r\nETag: "x"\r\nDate: today\r\nContent-Length: 2\r\n\r\n[]'
    assert given.on_the_wire() == expected
    assert answer(b"", 304, ETag='"x"').on_the_wire() == b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'


def test_an_answer_that_came_in_chunks_is_sent_with_its_length():
    sent = answer(b"[]", Transfer_Encoding="chunked").on_the_wire()
    assert sent == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]"
