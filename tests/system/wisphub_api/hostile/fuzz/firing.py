"""Sends hostile requests over real sockets, several at once, and looks at each answer."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Final

from tests.system.wisphub_api.hostile.fuzz.attacks import Attack

CONNECTIONS: Final = 24
PATIENCE_S: Final = 60.0
"""In which a request is answered, or its connection closed; a diagnostic is waited for up to 10 s of it."""
SILENCE_S: Final = 0.1
"""After which the end of what is no whole request is told to the server."""
FAULTS: Final = frozenset({500, 501, 505})
PROBLEM: Final = re.compile(rb'{"type":"urn:wisphub-api:problem:')
STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


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
