"""Traces over OTLP: a span for each request and for each try of a call to WispHub Net.

Needs the extra `traces`. Spans tell routes, methods and outcomes, and no URL, which holds subscribers' data:
OpenTelemetry's own instrumentation would write it down. A caller's `traceparent` (W3C Trace Context) is taken
up; none is sent to WispHub Net, which has no part in the provider's traces.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Final, Self

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from wisphub_api.upstream.client import UpstreamCall
from wisphub_api.web.current import CURRENT
from wisphub_api.web.labels import UNMATCHED, method_of, route_of

logger = logging.getLogger(__name__)

STOP_WAIT_S: Final = 3.0
"""How long a stop waits for the last spans to be sent."""
_PARENT: Final = "traceparent"


class Tracing:
    """Makes spans and sends them, as an async context.

    Args:
        collector: The base URL of an OTLP/HTTP collector, such as http://127.0.0.1:4318.
    """

    def __init__(self, collector: str) -> None:
        own = Resource({"service.name": "wisphub-api", "service.version": version("wisphub-api")})
        resource = own.merge(OTELResourceDetector().detect())  # what the environment says wins
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = TellingExporter(OTLPSpanExporter(endpoint=f"{collector}/v1/traces"))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("wisphub_api")
        self._propagator = TraceContextTextMapPropagator()

    async def __aenter__(self) -> Self:
        """Begin; spans are sent by a thread of their own."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Send what is left, within `STOP_WAIT_S`."""
        stopping = threading.Thread(target=self._provider.shutdown, daemon=True)
        stopping.start()
        await asyncio.to_thread(stopping.join, STOP_WAIT_S)

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Wrap an application: each request is a span, in whose course the others are made."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return
            span = self._start(scope)
            status = HTTPStatus.INTERNAL_SERVER_ERROR.value

            async def send_and_note(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            token = context.attach(trace.set_span_in_context(span))
            try:
                await app(scope, receive, send_and_note)
            finally:
                context.detach(token)
                end_request(span, scope, status)

        return traced

    def note(self, call: UpstreamCall) -> None:
        """Make a span of a try of a call, which has just ended."""
        ended_ns = time.time_ns()
        span = self._tracer.start_span(
            call.path,
            kind=SpanKind.CLIENT,
            start_time=ended_ns - round(call.elapsed_s * 1e9),
            attributes={"peer.service": "wisphub-net", "url.template": call.path},
        )
        if call.outcome != "ok":
            span.set_attribute("error.type", call.outcome)
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended_ns)

    def _start(self, scope: HTTPScope) -> trace.Span:
        given = next((value for name, value in scope["headers"] if name == _PARENT.encode()), b"")
        # Without `tracestate`, which is free text.
        parent = self._propagator.extract({_PARENT: given.decode("latin-1")}, context.Context())
        method = method_of(scope)
        attributes = {"http.request.method": method, "url.scheme": scope["scheme"]}
        span = self._tracer.start_span(method, parent, kind=SpanKind.SERVER, attributes=attributes)
        if (current := CURRENT.get()) is not None:
            current.trace_id = trace.format_trace_id(span.get_span_context().trace_id)
            span.set_attribute("wisphub.request_id", current.request_id)
        return span


class TellingExporter(SpanExporter):
    """Sends spans through another exporter, and tells once when that fails, and once when it works again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._is_failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them, or drop them."""
        result = self._exporter.export(spans)
        is_failing = result is not SpanExportResult.SUCCESS
        if is_failing and not self._is_failing:
            logger.warning("traces are dropped: the collector does not take them")
        elif self._is_failing and not is_failing:
            logger.info("the collector takes traces again")
        self._is_failing = is_failing
        return result

    def shutdown(self) -> None:
        """Close the connection to the collector."""
        self._exporter.shutdown()


def end_request(span: trace.Span, scope: HTTPScope, status: int) -> None:
    """Name a request's span by its route, and say how it ended."""
    route = route_of(scope)
    if route != UNMATCHED:
        span.update_name(f"{method_of(scope)} {route}")
        span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.set_attribute("error.type", str(status))
        span.set_status(Status(StatusCode.ERROR))
    span.end()
