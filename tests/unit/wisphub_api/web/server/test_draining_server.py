"""The end of a server: what has come and what still comes is answered, then it hangs up."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest
import uvicorn

from wisphub_api.app import create_app
from wisphub_api.web.server.bounded_http import BoundedHttp
from wisphub_api.web.server.draining import DRAINING
from wisphub_api.web.server.draining_server import OPTIONS, DrainingServer

GET = b"GET / HTTP/1.1\r\nHost: service\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: service\r\n\r\n"
READY = b"GET /health/ready HTTP/1.1\r\nHost: service\r\n\r\n"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: service\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

pytestmark = pytest.mark.looptime


class Slow:
    """Answers `/slow` in two parts, each when it may."""

    def __init__(self) -> None:
        self.asked, self.may_begin, self.may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, scope, _, send):
        if scope["type"] != "http":
            return
        is_slow = scope["path"] == "/slow"
        if is_slow:
            self.asked.set()
            await self.may_begin.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"o", "more_body": True})
        if is_slow:
            await self.may_end.wait()
        await send({"type": "http.response.body", "body": b"k"})


class Running:
    """A server in this loop."""

    def __init__(self, server: uvicorn.Server, task: asyncio.Task[None]) -> None:
        self.server = server
        self.task = task

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.server.servers[0].sockets[0].getsockname()[:2])

    async def stop(self) -> None:
        """Tell it to stop, and see it begin to."""
        self.server.should_exit = True
        await until(lambda: not self.server.servers[0].is_serving())


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for what uvicorn tells nobody."""
    while not is_so():  # noqa: ASYNC110  # likewise
        await asyncio.sleep(0.01)


Serving = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def serving() -> Serving:
    @asynccontextmanager
    async def start(app, server_class=DrainingServer) -> AsyncIterator[Running]:
        config = uvicorn.Config(app, port=0, lifespan="auto", **OPTIONS)
        server = server_class(config)
        task = asyncio.create_task(server.serve())
        try:
            await until(lambda: server.started)
            yield Running(server, task)
            server.should_exit = True
            for connection in tuple(server.server_state.connections):
                connection.transport.abort()
            await task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return start


async def head(reader: asyncio.StreamReader) -> bytes:
    return (await reader.readuntil(b"\r\n\r\n")).lower()


async def test_a_request_under_way_is_answered(serving, slow):
    async with serving(slow) as running:
        reader, writer = await running.connect()
        writer.write(SLOW)
        await slow.asked.wait()
        await running.stop()
        slow.may_begin.set()
        slow.may_end.set()
        answer = await reader.read()
        await running.task
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"\r\nconnection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\nok")
    writer.close()


async def test_a_request_on_an_idle_connection_is_answered_and_the_last_on_it(serving, slow):
    async with serving(slow) as running:
        reader, writer = await running.connect()
        writer.write(GET)
        assert b"connection: close" not in await head(reader)
        await reader.readexactly(2)
        await running.stop()
        writer.write(GET)
        answer = await reader.read()
        await running.task
    assert b"\r\nconnection: close\r\n" in answer
    assert answer.endswith(b"ok")
    writer.close()


async def test_the_first_request_of_a_connection_is_answered_too(serving, slow):
    async with serving(slow) as running:
        reader, writer = await running.connect()
        await asyncio.sleep(1)  # accepted
        await running.stop()
        writer.write(GET)
        assert (await reader.read()).endswith(b"ok")
    writer.close()


async def test_a_request_of_which_half_has_come_is_answered_after_the_grace(serving, slow):
    async with serving(slow) as running:
        reader, writer = await running.connect()
        writer.write(GET[:-2])
        await asyncio.sleep(1)
        await running.stop()
        await asyncio.sleep(2 * BoundedHttp.grace_s)
        writer.write(GET[-2:])
        answer = await reader.read()
    assert b"\r\nconnection: close\r\n" in answer
    assert answer.endswith(b"ok")
    writer.close()


async def test_after_an_answer_that_had_begun_the_connection_still_brings_one_more(serving, slow):
    async with serving(slow) as running:
        reader, writer = await running.connect()
        slow.may_begin.set()
        writer.write(SLOW)
        assert b"connection: close" not in await head(reader)
        await running.stop()
        slow.may_end.set()
        assert await reader.readexactly(2) == b"ok"
        writer.write(GET)
        answer = await reader.read()
    assert b"\r\nconnection: close\r\n" in answer
    assert answer.endswith(b"ok")
    writer.close()


async def test_requests_that_came_together_are_all_answered(serving, slow):
    async with serving(slow) as running:
        reader, writer = await running.connect()
        writer.write(SLOW + GET)
        await slow.asked.wait()
        await running.stop()
        slow.may_begin.set()
        slow.may_end.set()
        assert (await reader.read()).count(b"200 OK") == 2
    writer.close()


async def test_an_idle_connection_is_closed_after_the_grace(serving, slow):
    async with serving(slow) as running:
        reader, writer = await running.connect()
        writer.write(GET)
        await head(reader)
        await reader.readexactly(2)
        await running.stop()
        begun = asyncio.get_running_loop().time()
        assert await reader.read() == b""
        assert asyncio.get_running_loop().time() == pytest.approx(begun + BoundedHttp.grace_s, abs=0.5)
        await running.task
    writer.close()


async def test_under_a_server_that_does_not_drain_an_idle_connection_is_closed_at_once(serving, slow):
    async with serving(slow, server_class=uvicorn.Server) as running:
        reader, writer = await running.connect()
        writer.write(GET)
        await head(reader)
        await reader.readexactly(2)
        await running.stop()
        begun = asyncio.get_running_loop().time()
        assert await reader.read() == b""
        assert asyncio.get_running_loop().time() < begun + 1
    writer.close()


async def test_a_connection_of_the_last_moment_is_served_once(serving, slow):
    async with serving(slow) as running:
        running.server.lifespan.state[DRAINING].set()  # told, and the connections there are have heard of it
        reader, writer = await running.connect()
        writer.write(GET)
        answer = await reader.read()
    assert b"\r\nconnection: close\r\n" in answer
    writer.close()


async def test_a_handshake_for_a_websocket_ends_nothing_else(serving, slow):
    async with serving(slow) as running:
        reader, writer = await running.connect()
        await asyncio.sleep(1)
        await running.stop()
        writer.write(HANDSHAKE)
        assert not (await reader.read()).startswith(b"HTTP/1.1 101")
    writer.close()


async def test_who_stops_takes_no_new_connection(serving, slow):
    async with serving(slow) as running:
        _, writer = await running.connect()
        address = running.server.servers[0].sockets[0].getsockname()[:2]
        await running.stop()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*address)
    writer.close()


@pytest.mark.looptime(False)  # noqa: FBT003  # the simulator has a thread, and a time, of its own
async def test_who_stops_is_not_ready(serving, settings):
    async with serving(create_app(settings)) as running:
        reader, writer = await running.connect()
        said = b""
        while b"200 ok" not in said:
            writer.write(READY)
            said = await head(reader)
            await reader.readexactly(int(said.partition(b"content-length: ")[2].split()[0]))
        await running.stop()
        writer.write(READY)
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"the service stops" in answer
    writer.close()


async def test_a_second_signal_ends_the_waiting(serving, slow, monkeypatch):
    monkeypatch.setattr(signal, "raise_signal", lambda _: None)  # uvicorn raises again what it has handled
    async with serving(slow) as running:
        _, writer = await running.connect()
        writer.write(SLOW)
        await slow.asked.wait()
        running.server.handle_exit(signal.SIGTERM, None)
        await asyncio.sleep(10)
        assert not running.task.done()
        running.server.handle_exit(signal.SIGTERM, None)
        async with asyncio.timeout(1):
            await asyncio.shield(running.task)
    writer.close()
