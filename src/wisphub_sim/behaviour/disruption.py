"""What a fault does to the one request it strikes."""

import asyncio
import math
import random
from collections.abc import Callable
from typing import Any

from litestar.types import ASGIApp, HTTPScope, Receive, Send
from msgspec.structs import replace

from wisphub_sim.bad_rows import spoil_rows
from wisphub_sim.behaviour.faults import Fault, Strike
from wisphub_sim.behaviour.response import Answer, answer_of, refusal, send_body
from wisphub_sim.data.directory import Directory

TRANSPORT = "wisphub_sim.transport"
_PROXY_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Atención requerida</title></head>"
    "<body><h1>Un momento…</h1><p>Estamos comprobando su navegador.</p></body></html>"
).encode()
_PIECES = 10
_SLOW_BODY_S = 5.0


def retry_after(seconds: float | None) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that tells when to come again: whole seconds, rounded up (RFC 9110, 10.2.3)."""
    return () if seconds is None else ((b"retry-after", b"%d" % math.ceil(seconds)),)


class Disruption:
    """Carries out strikes on requests to an application."""

    def __init__(self, app: ASGIApp, directory: Directory, seed: int) -> None:
        self._app = app
        self._directory = directory
        self._seed = seed

    async def apply(self, strike: Strike, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer a struck request, or leave it without an answer."""
        fault = strike.fault
        match fault.kind:
            case "status":
                await self._status(fault).send(send)
            case "html":
                await Answer(200, _PROXY_PAGE, b"text/html; charset=utf-8").send(send)
            case "hang":
                await self._hang(fault, scope, receive, send)
            case "drop":
                await self._drop(fault, scope, receive, send)
            case "shift":
                self._shift(strike)
                await self._app(scope, receive, send)
            case "slow_body":
                answer = await answer_of(self._app, scope, receive)
                await _send_slowly(answer, _SLOW_BODY_S if fault.seconds is None else fault.seconds, send)
            case "truncate" | "bad_rows":
                answer = await answer_of(self._app, scope, receive)
                await replace(answer, body=self._mangle(answer.body, strike)).send(send)
            case _:
                raise AssertionError(fault.kind)

    def _mangle(self, body: bytes, strike: Strike) -> bytes:
        if strike.fault.kind == "truncate":
            return body[: len(body) // 2]
        rng = random.Random(f"{self._seed}/{strike.number}")  # noqa: S311 - repeatable on purpose
        return spoil_rows(body, strike.fault.rows, rng)

    def _shift(self, strike: Strike) -> None:
        mode = strike.fault.mode or "alternate"
        change: Callable[[int], None] = self._directory.insert
        if mode == "delete" or (mode == "alternate" and strike.number % 2):
            change = self._directory.delete
        change(strike.fault.rows)

    async def _hang(self, fault: Fault, scope: HTTPScope, receive: Receive, send: Send) -> None:
        if fault.seconds is None:
            await _until_disconnected(receive)
        else:
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)

    async def _drop(self, fault: Fault, scope: HTTPScope, receive: Receive, send: Send) -> None:
        if fault.mode == "mid":
            answer = await answer_of(self._app, scope, receive)
            await answer.start(send)
            await send_body(send, answer.body[: len(answer.body) // 2], is_last=False)
        # uvicorn answers 500 where an application returns without a word: the connection itself must go.
        _transport(scope).close()
        await _until_disconnected(receive)

    @staticmethod
    def _status(fault: Fault) -> Answer:
        return refusal(fault.status, "Error simulado.", retry_after(fault.retry_after_s))


def _transport(scope: HTTPScope) -> asyncio.Transport:
    extensions: dict[str, Any] = scope.get("extensions") or {}
    if TRANSPORT not in extensions:
        raise RuntimeError("only the simulator's own server can drop a connection")
    transport: asyncio.Transport = extensions[TRANSPORT]["transport"]
    return transport


async def _send_slowly(answer: Answer, seconds: float, send: Send) -> None:
    await answer.start(send)
    size = max(1, math.ceil(len(answer.body) / _PIECES))
    for start in range(0, len(answer.body), size):
        await asyncio.sleep(seconds / _PIECES)
        await send_body(send, answer.body[start : start + size], is_last=False)
    await send_body(send, b"", is_last=True)


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
