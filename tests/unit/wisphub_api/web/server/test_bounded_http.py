"""Connections that send too much, too slowly, or nothing."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import uvloop
from uvicorn.server import ServerState

from wisphub_api.web.server.bounded_http import HEAD_MAX_BYTES, BoundedHttp

GET = b"GET / HTTP/1.1\r\nHost: service\r\n"
POST = b"POST / HTTP/1.1\r\nHost: service\r\nContent-Length: 4\r\n\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

pytestmark = pytest.mark.looptime(
    start=time.monotonic
)  # a fixture, which goes by real time, opens the connection


async def echo(scope, receive, send):
    """Answer with the body, later than a request may take where that is asked for."""
    body = b""
    message = {"more_body": True}
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
    if scope["path"] == "/late":
        await asyncio.sleep(2 * BoundedHttp.request_max_s)
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connected() -> AsyncIterator[Connection]:
    config = uvicorn.Config(echo, http=BoundedHttp, lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: BoundedHttp(config, state, {}), "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield reader, writer
        writer.close()


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    async with connected() as connection:
        yield connection


async def answer(connection: Connection, *parts: bytes) -> bytes:
    """Send the parts and read until the server hangs up."""
    reader, writer = connection
    for part in parts:
        writer.write(part)
        for _ in range(3):
            await asyncio.sleep(0)  # a part of its own for the server, too
    return await reader.read()


async def test_a_request_is_answered_however_late_the_answer_is(connection):
    assert b"200 OK" in await answer(connection, b"GET /late HTTP/1.1\r\nConnection: close\r\n\r\n")


async def test_requests_that_come_together_are_all_answered(connection):
    last = GET + b"Connection: close\r\n\r\n"
    assert (await answer(connection, POST + b"abcd" + POST, b"ef", b"gh" + last)).count(b"200 OK") == 3


async def test_a_connection_is_used_again_and_again(connection):
    last = GET + b"Connection: close\r\n\r\n"
    assert (await answer(connection, *[GET + b"\r\n"] * 30, last)).count(b"200 OK") == 31


@pytest.mark.parametrize(
    "parts",
    [(), (b"GE",), (GET,), (GET, b"X-Slow: "), (POST, b"abc"), (GET + b"\r\n", GET)],
    ids=["nothing", "half a line", "half a head", "half a field", "half a body", "a second head"],
)
async def test_who_does_not_come_to_an_end_is_cut_off(connection, parts):
    told = await answer(connection, *parts)
    assert told.count(b"200 OK") == (len(parts) == 2 and parts[0].endswith(b"\r\n\r\n") and parts[1] == GET)


async def test_who_does_not_come_to_an_end_after_an_earlier_request_is_cut_off_after_its_answer(connection):
    late = b"GET /late HTTP/1.1\r\n\r\n"
    assert (await answer(connection, late + POST + b"abc")).count(b"200 OK") == 1


async def test_sending_a_little_all_the_time_does_not_help(connection):
    reader, writer = connection
    writer.write(GET)
    for _ in range(int(2 * BoundedHttp.request_max_s)):
        if reader.at_eof() or writer.transport.is_closing():
            return
        writer.write(b"X-Slow: x\r\n")
        await asyncio.sleep(1)
    pytest.fail("it is still read")


@pytest.mark.parametrize("part", [b"x" * 4096, b"x: y\r\n" * 700], ids=["a field", "fields"])
async def test_a_head_without_end_is_refused(connection, part):
    parts = [part] * (HEAD_MAX_BYTES // len(part) + 1)
    assert (await answer(connection, GET + b"X-Endless: ", *parts)).startswith(b"HTTP/1.1 431 ")


async def test_a_refused_head_is_not_told_in_the_midst_of_an_earlier_answer(connection):
    parts = [b"x" * 4096] * (HEAD_MAX_BYTES // 4096 + 1)
    told = await answer(connection, b"GET /late HTTP/1.1\r\n\r\n", GET + b"X-Endless: ", *parts)
    assert told.startswith(b"HTTP/1.1 200 OK")
    assert told.count(b"HTTP/1.1 ") == 1


def problem(told: bytes) -> dict[str, Any]:
    head, _, body = told.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert f"content-length: {len(body)}".encode() in head
    document: dict[str, Any] = json.loads(body)
    return document


@pytest.mark.parametrize(
    "parts",
    [
        (b"nonsense\r\n\r\n",),
        (b"GET / HTTP/9.9\r\n\r\n",),
        (GET + b"Bad Name: x\r\n\r\n",),
        (GET + b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\n"),
    ],
    ids=["no HTTP", "no version of it", "no field", "no chunk"],
)
async def test_what_is_no_http_is_refused_in_a_problem_document(connection, parts):
    told = await answer(connection, *parts)
    assert problem(told[told.index(b"HTTP/1.1 400") :])["detail"].startswith("The request cannot be read")


async def test_a_head_without_end_is_refused_in_a_problem_document(connection):
    parts = [b"x" * 4096] * (HEAD_MAX_BYTES // 4096 + 1)
    told = await answer(connection, GET + b"X-Endless: ", *parts)
    assert problem(told)["type"] == "urn:wisphub-api:problem:headers-too-large"


@pytest.mark.parametrize("apart", [True, False], ids=["apart", "at once"])
async def test_what_is_no_http_is_not_told_in_the_midst_of_an_earlier_answer(connection, apart):
    parts = [b"GET /late HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n"]
    told = await answer(connection, *(parts if apart else [b"".join(parts)]))
    assert told.startswith(b"HTTP/1.1 200 OK")
    assert told.count(b"HTTP/1.1 ") == 1


def test_who_asks_several_things_at_once_and_hangs_up_leaves_no_trace_in_the_log(caplog, monkeypatch):
    monkeypatch.setattr(BoundedHttp, "request_max_s", 0.05)

    async def hang_up() -> None:
        async with connected() as (reader, writer):
            writer.write(b"GET /late HTTP/1.1\r\n\r\n" * 2)
            writer.write_eof()
            await reader.read()
            await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=10)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # it refuses to write to who has gone
        runner.run(hang_up())
    assert "Exception" not in caplog.text
