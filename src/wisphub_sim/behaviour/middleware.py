"""The middleware before every route of the API.

A request passes these steps in this order, up to the first that answers: count, redirect to the path with a
slash (301), key (401, 403), known path (404), rate limit (429), latency, fault, route. Requests to the
controls skip them, so that a test can reset a simulator in which every request fails.
"""

import asyncio
import hmac
from time import monotonic
from typing import cast

from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from wisphub_sim.behaviour.disruption import Disruption, retry_after
from wisphub_sim.behaviour.paths import UNKNOWN, lacks_slash, template_of
from wisphub_sim.behaviour.response import BufferedResponse, error_response
from wisphub_sim.simulation import Simulation

_CONTROLS = "/_sim/"


class Middleware:
    """An ASGI application around another."""

    def __init__(self, app: ASGIApp, simulation: Simulation) -> None:
        self._app = app
        self._faults = simulation.faults
        self._traffic = simulation.traffic
        self._disruption = Disruption(app, simulation.directory, simulation.settings.seed)
        self._authorization = f"Api-Key {simulation.settings.key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"].startswith(_CONTROLS):
            await self._app(scope, receive, send)
            return
        scope = cast("HTTPScope", scope)  # the server has WebSocket off
        with self._traffic.stats.request(scope["method"], template_of(scope["path"])):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        if response := _redirect(scope) or self._refusal(scope):
            await response.send(send)
            return
        await asyncio.sleep(self._traffic.delay_s())
        strike = self._faults.strike(scope["method"], scope["path"])
        if strike:
            await self._disruption.apply(strike, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: HTTPScope) -> BufferedResponse | None:
        authorization = dict(scope["headers"]).get(b"authorization")
        if authorization is None:
            detail = "Las credenciales de autenticación no se proveyeron."
            return error_response(401, detail, ((b"www-authenticate", b"Api-Key"),))
        if not hmac.compare_digest(authorization, self._authorization):
            return error_response(403, "Api-Key inválida.")
        if template_of(scope["path"]) == UNKNOWN:
            return error_response(404, "No encontrado.")
        if not self._traffic.admits(monotonic()):
            header = retry_after(self._traffic.behaviour.retry_after_s)
            return error_response(429, "Solicitud fue regulada (throttled).", header)
        return None


def _redirect(scope: HTTPScope) -> BufferedResponse | None:
    """Return the redirect of a path that lacks its slash; clients repeat a POST as a GET without a body."""
    if not lacks_slash(scope["path"]):
        return None
    host = dict(scope["headers"]).get(b"host", b"localhost")
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    location = b"http://" + host + scope["raw_path"] + b"/" + query
    return BufferedResponse(301, b"", b"text/html; charset=utf-8", ((b"location", location),))
