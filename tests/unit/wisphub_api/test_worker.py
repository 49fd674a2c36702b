"""One worker: when it takes connections, and when it ends."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from wisphub_api.web.server import OPTIONS
from wisphub_api.worker import UP, WorkerServer

GET = b"GET / HTTP/1.1\r\nHost: service\r\nConnection: close\r\n\r\n"


class Cache:
    """Cold, until the test says otherwise."""

    def __init__(self) -> None:
        self.heat = "cold"

    def state(self) -> Any:
        return SimpleNamespace(state=self.heat)


class Post:
    """A worker in this loop, and its supervisor's end of the link."""

    def __init__(self, worker: WorkerServer, link: socket.socket, listener: socket.socket) -> None:
        self.worker = worker
        self.link = link
        self.address = listener.getsockname()

    async def is_up(self, within_s: float) -> bool:
        """Does it say so in time?"""
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.get_running_loop().sock_recv(self.link, 1) == UP
        except TimeoutError:
            return False

    async def ask(self) -> bytes:
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(GET)
        answer = await reader.read()
        writer.close()
        return answer


async def answering(scope, _, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


AtWork = Callable[..., AbstractAsyncContextManager[Post]]


@pytest.fixture
def cache() -> Cache:
    return Cache()


@pytest.fixture
def at_work(cache) -> AtWork:
    @asynccontextmanager
    async def start(patience_s: float) -> AsyncIterator[Post]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)  # noqa: FBT003  # as asyncio wants it
        listener = socket.create_server(("127.0.0.1", 0))
        worker = WorkerServer(uvicorn.Config(answering, **OPTIONS), theirs, [cache], patience_s)
        with ours, theirs, listener:
            task = asyncio.create_task(worker._serve([listener]))
            yield Post(worker, ours, listener)
            worker.should_exit = True
            async with asyncio.timeout(60):
                await task

    return start


async def test_a_worker_takes_connections_and_says_so_once_it_is_warm(at_work, cache):
    async with at_work(patience_s=60) as post:
        asking = asyncio.create_task(post.ask())
        assert not await post.is_up(within_s=0.3)
        assert not asking.done()
        cache.heat = "stale"
        assert await post.is_up(within_s=60)
        assert (await asking).startswith(b"HTTP/1.1 204")


async def test_a_worker_whose_patience_ends_takes_connections_all_the_same(at_work):
    async with at_work(patience_s=0.2) as post:
        assert await post.is_up(within_s=60)
        assert (await post.ask()).startswith(b"HTTP/1.1 204")


async def test_a_worker_that_waits_to_be_warm_ends_when_told_to(at_work):
    async with at_work(patience_s=60) as post:
        assert not await post.is_up(within_s=0.1)
        post.worker.handle_exit(signal.SIGTERM, None)


async def test_a_worker_ends_when_its_supervisor_is_gone(at_work):
    async with at_work(patience_s=0) as post:
        assert await post.is_up(within_s=60)
        post.link.close()
        async with asyncio.timeout(60):
            while not post.worker.should_exit:  # noqa: ASYNC110  # uvicorn tells nobody
                await asyncio.sleep(0.01)


async def test_a_worker_leaves_ctrl_c_to_its_supervisor_and_is_not_hurried_by_being_told_twice(at_work):
    async with at_work(patience_s=0) as post:
        assert await post.is_up(within_s=60)
        post.worker.handle_exit(signal.SIGINT, None)
        assert not post.worker.should_exit
        for _ in range(2):
            post.worker.handle_exit(signal.SIGTERM, None)
        assert post.worker.should_exit
        assert not post.worker.force_exit
