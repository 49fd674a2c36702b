"""The floor: a C program that sends recorded answers."""

import shutil
import socket
from collections.abc import Iterator

import pytest

from benchmarks.peers.answers import Answer
from benchmarks.peers.servers.programs import floor
from loadcheck.run.server import Server, serving

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
LONG = b"x" * 3_000_000
"""Longer than what a socket takes at once."""


def answered(body: bytes, status: int = 200) -> Answer:
    return Answer(status, (("Content-Length", str(len(body))), ("ETag", '"x"')), body)


RECORDED = {
    "list": [
        ("/clients/", answered(b"[1]")),
        ("/clients/?limit=1", answered(b"[]")),
        ("/long", answered(LONG)),
    ],
    "verify": [("/clients/7/verify", answered(b"true")), ("/clients/", answered(b"[2]"))],
}


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    with serving(floor(RECORDED, tmp_path), logs=tmp_path) as server:
        assert server.request("PUT", "/_case/list")[0] == 204
        yield server


@pytest.fixture
def connection(server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        yield connection


def received(connection: socket.socket, expected: bytes) -> bytes:
    """Return as many bytes as are expected."""
    found = b""
    while len(found) < len(expected) and (part := connection.recv(1 << 20)):
        found += part
    return found


def wire(body: bytes) -> bytes:
    return b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\nETag: "x"\r\n\r\n%s' % (len(body), body)


def test_it_sends_what_was_recorded_for_a_path_and_a_query(server):
    assert server.get("/clients/") == (200, b"[1]")
    assert server.get("/clients/?limit=1") == (200, b"[]")
    assert server.get("/clients/?limit=2")[0] == 404


def test_a_case_has_answers_of_its_own_and_one_without_is_refused(server):
    assert server.request("PUT", "/_case/plans")[0] == 404
    assert server.get("/clients/") == (200, b"[1]")
    assert server.request("PUT", "/_case/verify")[0] == 204
    assert server.get("/clients/") == (200, b"[2]")


def test_a_request_may_come_in_pieces(server, connection):
    server.request("PUT", "/_case/verify")
    connection.settimeout(0.05)
    for piece in (b"POST /clients/7", b"/verify HTTP/1.1\r\ncontent-Length: 4\r", b"\n\r\n{"):
        connection.sendall(piece)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    connection.settimeout(20)
    connection.sendall(b"  }")
    assert received(connection, wire(b"true")) == wire(b"true")


def test_pipelined_requests_are_answered_in_their_order_however_long_an_answer_is(connection):
    paths = ("/clients/", "/long", "/clients/?limit=1", "/long", "/clients/")
    bodies = {"/clients/": b"[1]", "/clients/?limit=1": b"[]", "/long": LONG}
    connection.sendall("".join(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n" for path in paths).encode())
    expected = b"".join(wire(bodies[path]) for path in paths)
    assert received(connection, expected) == expected


def test_a_head_without_end_ends_the_connection_alone(server, connection):
    with pytest.raises(ConnectionError):
        connection.sendall(b"GET /" + b"a" * 10_000_000)
    assert server.get("/clients/") == (200, b"[1]")
