"""What every request passes before the API answers: counts, key, rate limit, latency, faults."""

import asyncio
import hmac
from time import monotonic
from typing import cast

from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from wisphub_sim.behaviour.disruption import Disruption, retry_after
from wisphub_sim.behaviour.paths import UNKNOWN, lacks_slash, template_of
from wisphub_sim.behaviour.response import Answer, refusal
from wisphub_sim.simulation import Simulation

CONTROLS = "/_sim/"


class Gate:
    """An ASGI application before another; requests to the controls pass untouched."""

    def __init__(self, app: ASGIApp, simulation: Simulation) -> None:
        self._app = app
        self._board = simulation.board
        self._traffic = simulation.traffic
        self._disruption = Disruption(app, simulation.directory, simulation.settings.seed)
        self._authorization = f"Api-Key {simulation.settings.key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"].startswith(CONTROLS):
            await self._app(scope, receive, send)
            return
        scope = cast("HTTPScope", scope)  # the server speaks no WebSocket
        with self._traffic.stats.request(scope["method"], template_of(scope["path"])):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        if refused := _redirect(scope) or self._refusal(scope):
            await refused.send(send)
            return
        await asyncio.sleep(self._traffic.delay_s())
        strike = self._board.strike(scope["method"], scope["path"])
        if strike:
            await self._disruption.apply(strike, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: HTTPScope) -> Answer | None:
        given = dict(scope["headers"]).get(b"authorization")
        if given is None:
            detail = "Las credenciales de autenticación no se proveyeron."
            return refusal(401, detail, ((b"www-authenticate", b"Api-Key"),))
        if not hmac.compare_digest(given, self._authorization):
            return refusal(403, "Api-Key inválida.")
        if template_of(scope["path"]) == UNKNOWN:
            return refusal(404, "No encontrado.")
        if not self._traffic.admits(monotonic()):
            header = retry_after(self._traffic.conduct.retry_after_s)
            return refusal(429, "Solicitud fue regulada (throttled).", header)
        return None


def _redirect(scope: HTTPScope) -> Answer | None:
    """Send a path without its slash to the one with it; clients repeat a POST as a GET, bodiless."""
    if not lacks_slash(scope["path"]):
        return None
    host = dict(scope["headers"]).get(b"host", b"localhost")
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    location = b"http://" + host + scope["raw_path"] + b"/" + query
    return Answer(301, b"", b"text/html; charset=utf-8", ((b"location", location),))
