"""The fast path over real connections: kept open, closed, pipelined, queued, while the service stops."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from wisphub_api.web.fast_path import FAST_PATH, Answer
from wisphub_api.web.server.bounded_http import COPIED_BYTES, BoundedHttp, fast_path_of
from wisphub_api.web.server.draining import DRAINING

LARGE = b"x" * (3 * COPIED_BYTES)
IDLE_S = 75
BODIES = {"/hot": b"hot", "/large": LARGE}

pytestmark = pytest.mark.looptime(
    start=time.monotonic
)  # a fixture, which goes by real time, opens the connection


def answer(body: bytes) -> Answer:
    return Answer(b"HTTP/1.1 200 OK\r\n", b"content-length: %d\r\nx-request-id: 1\r\n" % len(body), body)


class MadeUp:
    """A fast path that answers GET of /hot and /large, and repeats what is sent to /told.

    A body of "aside" goes to the router, "broken" is a bug, "later" has to wait.
    """

    def __init__(self) -> None:
        self.answered = 0
        self.may_answer = asyncio.Event()

    def get(self, method: str, url: bytes, *_: object) -> Answer | None:
        if url == b"/broken":
            raise ZeroDivisionError
        body = BODIES.get(url.decode())
        if body is None:
            return None
        self.answered += 1
        whole = answer(body)
        return whole if method == "GET" else whole._replace(body=b"")

    def begin(self, url: bytes, *_: object) -> object:
        return url if url == b"/told" else None

    def finish(self, _: object, body: bytes) -> Any:
        if body == b"broken":
            raise ZeroDivisionError
        if body == b"aside":
            return None
        self.answered += 1
        return self.wait(body) if body == b"later" else answer(body)

    async def wait(self, body: bytes) -> Answer:
        await self.may_answer.wait()
        return answer(body)


class App:
    """Has a fast path; the router answers the same, and is slow on /late."""

    def __init__(self) -> None:
        self.fast_path = MadeUp()
        self.state = {FAST_PATH: self.fast_path}
        self.asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        if scope["path"] == "/late":
            await asyncio.sleep(0.2)
        body = BODIES.get(scope["path"], b"long")
        if scope["path"] == "/told":
            body = b"long "
            while True:
                message = await receive()
                body += message["body"]
                if not message["more_body"]:
                    break
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Wrapped:
    """As uvicorn wraps an application that stands behind a proxy."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class Watched(BoundedHttp):
    """Counts what has come."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.seen, self.has_come, self.is_lost = 0, asyncio.Event(), asyncio.Event()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.seen += len(data)
        self.has_come.set()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.is_lost.set()


class Connection:
    """A connection, its application, the server's side of it and what tells that the service stops."""

    def __init__(self, app: App, stops: asyncio.Event) -> None:
        self.app = app
        self.stops = stops
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter
        self.protocol: Watched

    async def ask(self, *paths: str, version: str = "1.1", method: str = "GET", more: str = "") -> None:
        requests = (f"{method} {path} HTTP/{version}\r\nHost: service\r\n{more}\r\n" for path in paths)
        self.writer.write("".join(requests).encode())
        await self.writer.drain()

    async def send(self, data: bytes) -> None:
        """Send bytes, and wait until the server has them."""
        protocol = self.protocol
        seen = protocol.seen + len(data)
        self.writer.write(data)
        while protocol.seen < seen:
            protocol.has_come.clear()
            await protocol.has_come.wait()

    async def answer(self) -> tuple[bytes, bytes]:
        """Read one answer: its head and its body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        (length,) = (line.split()[1] for line in head.split(b"\r\n") if line.startswith(b"content-length"))
        return head, await self.reader.readexactly(int(length))

    async def is_closed(self) -> bool:
        return await self.reader.read(1) == b""


@asynccontextmanager
async def connected(app: App) -> AsyncIterator[Connection]:
    config = uvicorn.Config(
        Wrapped(app), http=BoundedHttp, lifespan="off", log_config=None, timeout_keep_alive=IDLE_S
    )
    config.load()
    state, stops = ServerState(), asyncio.Event()
    state.default_headers = [(b"date", b"today")]
    connection = Connection(app, stops)

    def accept() -> Watched:
        connection.protocol = Watched(config, state, {DRAINING: stops})
        return connection.protocol

    async with await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        connection.reader, connection.writer = await asyncio.open_connection(*address, limit=2**20)
        yield connection
        connection.writer.close()


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    async with connected(App()) as connection:
        yield connection


async def test_one_connection_is_answered_again_and_again_by_either_way(connection):
    for path, body in (("/hot", b"hot"), ("/cold", b"long"), ("/hot", b"hot"), ("/large", LARGE)):
        await connection.ask(path)
        head, told = await connection.answer()
        assert told == body
        assert head.startswith(b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: ")
        assert b"connection: close" not in head
    assert (connection.app.fast_path.answered, connection.app.asked) == (3, 1)


@pytest.mark.parametrize(("version", "more"), [("1.1", "Connection: close\r\n"), ("1.0", "")])
async def test_who_asks_for_one_answer_is_told_that_it_is_the_last(connection, version, more):
    await connection.ask("/hot", version=version, more=more)
    head, body = await connection.answer()
    assert head.endswith(b"\r\nconnection: close\r\n\r\n")
    assert body == b"hot"
    assert await connection.is_closed()


async def test_what_comes_behind_the_last_answer_is_not_answered(connection):
    await connection.ask("/hot", "/hot", "/cold", version="1.0", more="Connection: keep-alive\r\n")
    connection.writer.write(told(b"body"))
    assert (await connection.answer())[1] == b"hot"
    assert await connection.is_closed()
    assert (connection.app.fast_path.answered, connection.app.asked) == (1, 0)


async def test_many_asked_in_one_breath_are_answered_in_their_order(connection):
    paths = ["/hot", "/cold", "/hot"] * 30
    await connection.ask(*paths)
    assert [(await connection.answer())[1] for _ in paths] == [b"hot", b"long", b"hot"] * 30


async def test_a_long_queue_behind_a_slow_answer_is_answered_whole(connection):
    await connection.ask("/late", *["/hot"] * 1_100)
    assert (await connection.answer())[1] == b"long"
    assert {(await connection.answer())[1] for _ in range(1_100)} == {b"hot"}


async def test_who_does_not_read_is_not_answered_without_end(connection):
    await connection.ask(*["/large"] * 500)  # 24 MB: more than the buffers of both sides hold
    await asyncio.sleep(1)
    answered = connection.app.fast_path.answered + connection.app.asked
    assert answered < 500
    assert {(await connection.answer())[1] for _ in range(500)} == {LARGE}


async def test_another_method_goes_to_the_router(connection):
    await connection.ask("/hot", method="DELETE")
    assert (await connection.answer())[1] == b"hot"
    assert (connection.app.fast_path.answered, connection.app.asked) == (0, 1)


async def test_while_the_service_stops_the_last_answer_says_so(connection):
    await connection.ask("/hot")
    await connection.answer()
    connection.stops.set()
    connection.protocol.shutdown()
    await connection.ask("/hot")
    head, body = await connection.answer()
    assert (body, connection.app.fast_path.answered, connection.app.asked) == (b"hot", 1, 1)
    assert b"\r\nconnection: close\r\n" in head
    assert await connection.is_closed()


async def test_an_idle_connection_is_closed_after_a_fast_answer_as_after_one_of_the_router(connection):
    await connection.ask("/hot")
    await connection.answer()
    answered_at = asyncio.get_running_loop().time()
    assert await connection.is_closed()
    assert asyncio.get_running_loop().time() == pytest.approx(answered_at + IDLE_S, abs=1)


def told(body: bytes) -> bytes:
    return b"POST /told HTTP/1.1\r\nHost: service\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def test_what_is_told_is_answered_once_it_has_come_whole(connection):
    for body in (b"a", b"body"):
        request = told(body)
        for cut in (len(request), len(request) - 1, request.index(b"\r\n\r\n") + 4, 10):
            await connection.send(request[:cut])
            await connection.send(request[cut:])
            assert (await connection.answer())[1] == body
    assert (connection.app.fast_path.answered, connection.app.asked) == (8, 0)


async def test_what_is_told_and_left_aside_comes_whole_to_the_router(connection):
    connection.writer.write(told(b"aside"))
    assert (await connection.answer())[1] == b"long aside"
    connection.writer.write(told(b"again"))
    assert (await connection.answer())[1] == b"again"
    assert connection.app.asked == 1


async def test_what_is_told_in_a_queue_is_answered_in_its_order(connection):
    await connection.ask("/late", "/hot")
    connection.writer.write(told(b"one") + told(b"two"))
    await connection.ask("/cold")
    bodies = [(await connection.answer())[1] for _ in range(5)]
    assert bodies == [b"long", b"hot", b"long one", b"long two", b"long"]
    connection.writer.write(told(b"three") + told(b"aside") + told(b"five"))
    assert [(await connection.answer())[1] for _ in range(3)] == [b"three", b"long aside", b"long five"]


async def test_who_hangs_up_before_all_is_told_is_not_answered(connection):
    await connection.send(told(b"body")[:-1])
    connection.writer.close()
    await connection.protocol.is_lost.wait()
    assert (connection.app.fast_path.answered, connection.app.asked) == (0, 0)


@pytest.mark.parametrize("drains", [True, False])
async def test_what_is_being_told_while_the_service_stops_is_answered_and_that_was_the_last(
    connection, drains
):
    await connection.send(told(b"body")[:-1])
    if drains:
        connection.stops.set()
    else:
        connection.protocol.app_state.clear()
    connection.protocol.shutdown()
    connection.writer.write(b"y")
    head, body = await connection.answer()
    assert body == b"long body"
    assert b"\r\nconnection: close\r\n" in head
    assert await connection.is_closed()


async def test_after_a_bug_in_the_fast_path_the_router_answers(connection, caplog):
    await connection.ask("/broken")
    assert (await connection.answer())[1] == b"long"
    await connection.send(told(b"broken"))
    assert (await connection.answer())[1] == b"long broken"
    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert errors == ["the fast path failed"] * 2
    assert (connection.app.fast_path.answered, connection.app.asked) == (0, 2)


async def test_what_is_told_too_slowly_is_cut_off(connection):
    await connection.send(told(b"body")[:-1])
    assert await connection.is_closed()
    assert (connection.app.fast_path.answered, connection.app.asked) == (0, 0)


async def test_the_grace_waits_for_what_is_being_told(connection):
    await connection.send(told(b"body")[:-1])
    connection.stops.set()
    connection.protocol.shutdown()
    await asyncio.sleep(2 * BoundedHttp.grace_s)
    connection.writer.write(b"y")
    assert (await connection.answer())[1] == b"long body"


async def test_what_has_to_wait_is_answered_in_its_order_and_keeps_nobody_else_waiting(connection):
    connection.writer.write(told(b"later"))
    await connection.ask("/hot")
    async with connected(App()) as other:
        await other.ask("/hot")
        assert (await other.answer())[1] == b"hot"
    connection.app.fast_path.may_answer.set()
    assert [(await connection.answer())[1] for _ in range(2)] == [b"later", b"hot"]
    assert connection.app.asked == 1  # what came behind it went to the router


async def test_head_is_answered_without_a_body(connection):
    await connection.ask("/large", method="HEAD")
    await connection.ask("/hot")
    head = await connection.reader.readuntil(b"\r\n\r\n")
    assert b"content-length: %d\r\n" % len(LARGE) in head
    assert (await connection.answer())[1] == b"hot"


def test_an_application_without_one_has_none():
    assert fast_path_of(lambda: None) is None
    assert fast_path_of(Wrapped(App())) is not None
