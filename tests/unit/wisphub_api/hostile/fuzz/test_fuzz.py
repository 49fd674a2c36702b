"""Tens of thousands of hostile requests over real sockets: none finds a fault, hangs, or leaves a mark."""

import asyncio
import re
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, Final, Protocol

import httpx
import psutil
import pytest

SEED: Final = 4
WARM_UP: Final = 4_000
REQUESTS: Final = 16_500
MALFORMED: Final = 1_500
CONNECTIONS: Final = 24
PATIENCE_S: Final = 20.0
"""In which a request is answered, or its connection closed; a diagnostic is waited for up to half of it."""
SILENCE_S: Final = 0.1
"""After which the end of what is no whole request is told to the server."""
MOST_GROWTH: Final = 1.25
"""Of the resident memory between the warm-up and the end."""
MOST_SLOWER: Final = 1.5
"""Than a service that nobody has attacked: medians of pairs, taken in turn, differ by some percent."""
FAULTS: Final = frozenset({500, 501, 505})
PROBLEM: Final = re.compile(rb'{"type":"urn:wisphub-api:problem:')
BAD_LINE: Final = re.compile(r'Traceback|"exception"|"level":"(error|critical)"')
STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


class Attack(Protocol):
    """A request and its bytes."""

    method: bytes

    def wire(self) -> bytes: ...


class Connection:
    """A connection that is opened anew whenever the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, wire: bytes, *, is_head: bool = False) -> tuple[int, bytes] | None:
        """Send one request; gives status and body, or None where the server hangs up instead."""
        reader, writer = self._streams or await self._open()
        try:
            async with asyncio.timeout(PATIENCE_S):
                writer.write(wire)
                status, head, body = await _answer(reader, is_head=is_head)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            return None
        if b"connection: close" in head.lower():
            self.close()
        return status, body

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        return self._streams

    def close(self) -> None:
        """Close it."""
        if self._streams:
            self._streams[1].close()
        self._streams = None


async def _answer(reader: asyncio.StreamReader, *, is_head: bool) -> tuple[int, bytes, bytes]:
    status = 100
    while status < 200:  # an interim answer comes first, sometimes
        head = await reader.readuntil(b"\r\n\r\n")
        match = STATUS.match(head)
        assert match, head
        status = int(match[1])
        if status == 101:
            raise ConnectionResetError
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    has_body = length and not is_head and status not in (204, 304)
    return status, head, await reader.readexactly(int(length[1])) if length and has_body else b""


async def in_parallel(worker: Callable[[Connection], Awaitable[None]], port: int) -> None:
    async def work() -> None:
        connection = Connection(port)
        try:
            await worker(connection)
        finally:
            connection.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(work())


async def fire(attacks: Iterator[Attack], port: int) -> Counter[int]:
    """Send all; counts the answers by status, 0 for a connection that was closed."""
    seen: Counter[int] = Counter()

    async def worker(connection: Connection) -> None:
        for attack in attacks:
            answer = await connection.ask(attack.wire(), is_head=attack.method == b"HEAD")
            status, body = answer or (0, b"")
            seen[status] += 1
            assert status not in FAULTS, attack
            assert status < 400 or attack.method == b"HEAD" or PROBLEM.match(body), (attack, body)

    await in_parallel(worker, port)
    return seen


async def fire_malformed(wires: Iterator[bytes], port: int) -> Counter[int]:
    """Send each on a connection of its own, until the server closes it; counts all answers by status."""
    seen: Counter[int] = Counter()

    async def worker(_: Connection) -> None:
        for wire in wires:
            async with asyncio.timeout(PATIENCE_S):
                told = await _told(wire, port)
            seen.update(int(status) for status in STATUS.findall(told))
            assert not seen.keys() & FAULTS, wire

    await in_parallel(worker, port)
    return seen


async def _told(wire: bytes, port: int) -> bytes:
    """Give all that the server says until it hangs up, which it must when nothing more can come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    told = b""
    with suppress(ConnectionError):
        writer.write(wire)
        with suppress(TimeoutError):
            while part := await asyncio.wait_for(reader.read(65_536), SILENCE_S):
                told += part
        if writer.can_write_eof():
            writer.write_eof()
        told += await reader.read()
    writer.close()
    return told


async def slowness(attacked: int, fresh: int) -> float:
    """Compare the time of one request to two services, asked in turn: the ratio of the medians."""
    wire = b"GET /api/v1/clients/by-service-id/7 HTTP/1.1\r\nX-API-Key: the-consumer-key\r\n\r\n"
    connections = (Connection(attacked), Connection(fresh))
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(800):
        for connection, taken in zip(connections, times, strict=True):
            begun = time.perf_counter()
            assert (await connection.ask(wire) or (0,))[0] == 200
            taken.append(time.perf_counter() - begun)
    for connection in connections:
        connection.close()
    return statistics.median(times[0]) / statistics.median(times[1])


@pytest.mark.timeout(240)
async def test_no_hostile_request_finds_a_fault_hangs_or_leaves_a_mark(run, environ, attacker):
    environ |= {"WISPHUB_API_VERIFY_MAX_FAILURES": "1000"}
    with run(environ) as service, run(environ) as fresh:
        async with httpx.AsyncClient(base_url=service.url) as client:
            description: dict[str, Any] = (await client.get("/docs/openapi.json")).json()
        draw = attacker(description, SEED)
        await fire(draw.attacks(WARM_UP), service.port)
        process = psutil.Process(service.pid)
        before = process.memory_info().rss
        seen = await fire(draw.attacks(REQUESTS), service.port)
        told = await fire_malformed(draw.malformed(MALFORMED), service.port)
        growth = process.memory_info().rss / before
        ratio = await slowness(service.port, fresh.port)
        async with httpx.AsyncClient(base_url=service.url) as client:
            metrics = (await client.get("/metrics")).text
    assert not re.search(r'wisphub_http_requests_total\{[^}]*status="50[015]"', metrics)
    assert [
        line for line in service.log.read_text(errors="replace").splitlines() if BAD_LINE.search(line)
    ] == []
    assert seen[0] < REQUESTS / 20
    assert seen[200] > REQUESTS / 20
    assert told[400] > MALFORMED / 20
    assert growth < MOST_GROWTH
    assert ratio < MOST_SLOWER
