"""What a fault does to a request that it strikes.

`Disruption.apply` is the table of the kinds. A kind that changes a response lets the application answer
first and changes the buffered response; the others answer, wait or close the connection themselves.
"""

import asyncio
import math
import random
from collections.abc import Callable
from typing import Any

import msgspec
from litestar.types import ASGIApp, HTTPScope, Receive, Send
from msgspec.structs import replace

from wisphub_sim.behaviour.faults import Fault, Strike
from wisphub_sim.behaviour.response import BufferedResponse, Header, buffered, error_response, send_body
from wisphub_sim.data.directory import Directory
from wisphub_sim.data.people import REFERENCE_ID

Row = dict[str, Any]

TRANSPORT = "wisphub_sim.transport"
"""The ASGI extension through which the server passes the connection, so that `drop` can close it."""
_PROXY_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Atención requerida</title></head>"
    "<body><h1>Un momento…</h1><p>Estamos comprobando su navegador.</p></body></html>"
).encode()
_PIECES = 10
_SLOW_BODY_S = 5.0


def retry_after(seconds: float | None) -> tuple[Header, ...]:
    """Return `Retry-After` in whole seconds, rounded up (RFC 9110, 10.2.3); no header for None."""
    return () if seconds is None else ((b"retry-after", b"%d" % math.ceil(seconds)),)


class Disruption:
    """The faults' effects on the requests to an application."""

    def __init__(self, app: ASGIApp, directory: Directory, seed: int) -> None:
        self._app = app
        self._directory = directory
        self._seed = seed

    async def apply(self, strike: Strike, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer a struck request, or leave it unanswered."""
        fault = strike.fault
        match fault.kind:
            case "status":
                await self._status(fault).send(send)
            case "html":
                await BufferedResponse(200, _PROXY_PAGE, b"text/html; charset=utf-8").send(send)
            case "hang":
                await self._hang(fault, scope, receive, send)
            case "drop":
                await self._drop(fault, scope, receive, send)
            case "shift":
                self._shift(strike)
                await self._app(scope, receive, send)
            case "slow_body":
                response = await buffered(self._app, scope, receive)
                await _send_slowly(response, _SLOW_BODY_S if fault.seconds is None else fault.seconds, send)
            case "truncate" | "bad_rows":
                response = await buffered(self._app, scope, receive)
                await replace(response, body=self._mangle(response.body, strike)).send(send)
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
            response = await buffered(self._app, scope, receive)
            await response.start(send)
            await send_body(send, response.body[: len(response.body) // 2], is_last=False)
        # Returning without a response is not enough: uvicorn would answer 500.
        _transport(scope).close()
        await _until_disconnected(receive)

    @staticmethod
    def _status(fault: Fault) -> BufferedResponse:
        return error_response(fault.status, "Error simulado.", retry_after(fault.retry_after_s))


def _transport(scope: HTTPScope) -> asyncio.Transport:
    extensions: dict[str, Any] = scope.get("extensions") or {}
    if TRANSPORT not in extensions:
        raise RuntimeError("only the simulator's own server can drop a connection")
    transport: asyncio.Transport = extensions[TRANSPORT]["transport"]
    return transport


async def _send_slowly(response: BufferedResponse, seconds: float, send: Send) -> None:
    await response.start(send)
    size = max(1, math.ceil(len(response.body) / _PIECES))
    for start in range(0, len(response.body), size):
        await asyncio.sleep(seconds / _PIECES)
        await send_body(send, response.body[start : start + size], is_last=False)
    await send_body(send, b"", is_last=True)


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _first_key(row: Row) -> str:
    return next(iter(row))


def _wrong_types(row: Row) -> Row:
    key = _first_key(row)
    wrong = {field: ["?"] if index % 2 else {"?": None} for index, field in enumerate(row)}
    return {**wrong, key: row[key]}


# The id is the first field of a row in every list of WispHub Net.
_SPOILERS: tuple[Callable[[Row], object], ...] = (
    lambda row: f"Error al serializar {row[_first_key(row)]}",
    lambda row: {field: value for field, value in row.items() if field != _first_key(row)},
    lambda row: row | {_first_key(row): None},
    lambda row: row | {_first_key(row): "abc"},
    lambda _row: None,
    _wrong_types,
    lambda row: [row],
)


def spoil_rows(body: bytes, rows: int, rng: random.Random) -> bytes:
    """Return a page's JSON with some rows made bad, each in the next of seven ways.

    The reference record stays good. If the page has fewer rows, all others are made bad. A body that is not a
    page is returned unchanged.
    """
    page = msgspec.json.decode(body)
    if not isinstance(page, dict) or not isinstance(page.get("results"), list):
        return body
    results = page["results"]
    places = [place for place, row in enumerate(results) if row.get("id_servicio") != REFERENCE_ID]
    for number, place in enumerate(rng.sample(places, min(rows, len(places)))):
        results[place] = _SPOILERS[number % len(_SPOILERS)](results[place])
    return msgspec.json.encode(page)
