"""Traces over OTLP: a span for each request and for each try of a call to WispHub Net.

Needs the extra `traces`. Spans hold routes, methods and outcomes, and no URL, which holds subscribers' data:
OpenTelemetry's own instrumentation would write it down. A caller's `traceparent` (W3C Trace Context) is taken
up; none is sent to WispHub Net, which has no part in the provider's traces.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Sequence
from contextvars import Token
from http import HTTPStatus
from importlib.metadata import version
from typing import Final, NamedTuple, Self

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from wisphub_api.upstream.client import UpstreamCall
from wisphub_api.web.rules.current import CurrentRequest
from wisphub_api.web.telemetry.request_log import UNMATCHED, Exchange

logger = logging.getLogger(__name__)

STOP_WAIT_S: Final = 3.0
"""How long a stop waits for the last spans to be sent."""
_PARENT: Final = "traceparent"
_NO_PARENT: Final = context.Context()
_UNSAMPLED: Final = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 1, is_remote=False)))
"""The context of a request without a span: the calls that it makes have none either."""


class Parent(NamedTuple):
    """What a request's trace begins with.

    Attributes:
        context: Of the caller's span; empty without one.
        trace_id: The caller's, in hexadecimal; None without one.
        is_sampled: Whether the request has a span.
    """

    context: context.Context
    trace_id: str | None
    is_sampled: bool


_SAMPLED: Final = Parent(_NO_PARENT, None, is_sampled=True)


class Trace(NamedTuple):
    """The trace of a request under way.

    Attributes:
        span: None where the request is not sampled.
        token: Leaves its context; None where it was not entered.
    """

    span: trace.Span | None
    token: Token[context.Context] | None


class Tracing:
    """Makes spans and sends them, as an async context.

    Which requests have one is decided here, before anything is made: a span costs as much as several cached
    answers, also one that is not sampled.

    Args:
        collector: The base URL of an OTLP/HTTP collector, such as http://127.0.0.1:4318.
        share: The part of requests, and of calls in no request's course, that have a span, from 0 to 1.
        follows_parent: Whether a caller's `traceparent` decides instead.
    """

    def __init__(self, collector: str, share: float, *, follows_parent: bool) -> None:
        self._share = share
        self._follows_parent = follows_parent
        own = Resource({"service.name": "wisphub-api", "service.version": version("wisphub-api")})
        resource = own.merge(OTELResourceDetector().detect())  # what the environment says wins
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False, sampler=ALWAYS_ON)
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

    def parent_of(self, traceparent: bytes | None) -> Parent:
        """Return what a request's trace begins with.

        Args:
            traceparent: The request's field (W3C Trace Context); its `tracestate`, which is free text, is
                ignored.
        """
        if traceparent is None:
            return Parent(_NO_PARENT, None, self._is_drawn())
        parent = self._propagator.extract({_PARENT: traceparent.decode("latin-1")}, _NO_PARENT)
        given = trace.get_current_span(parent).get_span_context()
        trace_id = trace.format_trace_id(given.trace_id) if given.is_valid else None
        is_followed = given.is_valid and self._follows_parent
        return Parent(parent, trace_id, given.trace_flags.sampled if is_followed else self._is_drawn())

    def begin(self, parent: Parent, method: str, current: CurrentRequest) -> Trace:
        """Begin the span of a request that makes no calls."""
        if parent.is_sampled:
            return Trace(self._begin(parent, method, current, None), None)
        current.trace_id = parent.trace_id
        return Trace(None, None)

    def start(self, parent: Parent, method: str, current: CurrentRequest) -> Trace:
        """Begin the span of a request; the calls made in its course are below it."""
        span = self.begin(parent, method, current).span
        return Trace(span, context.attach(_UNSAMPLED if span is None else trace.set_span_in_context(span)))

    def end(self, begun: Trace, exchange: Exchange) -> None:
        """End the span of a request."""
        if begun.token is not None:
            context.detach(begun.token)
        if begun.span is not None:
            _end(begun.span, exchange)

    def record(self, traceparent: bytes | None, exchange: Exchange) -> None:
        """Make the span of a request that has been answered at once, if it is to have one."""
        if traceparent is None and not self._is_drawn():  # as nearly all are
            return
        parent = self.parent_of(traceparent) if traceparent is not None else _SAMPLED
        if parent.is_sampled:
            began_ns = time.time_ns() - round(exchange.elapsed_s * 1e9)
            _end(self._begin(parent, exchange.method, exchange.current, began_ns), exchange)
        else:
            exchange.current.trace_id = parent.trace_id

    def note(self, call: UpstreamCall) -> None:
        """Make a span of a try of a call, which has just ended, where its request has one."""
        around = trace.get_current_span().get_span_context()
        if not (around.trace_flags.sampled if around.is_valid else self._is_drawn()):
            return
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

    def _is_drawn(self) -> bool:
        return random.random() < self._share  # noqa: S311  # which requests are traced is no secret

    def _begin(
        self, parent: Parent, method: str, current: CurrentRequest, began_ns: int | None
    ) -> trace.Span:
        attributes = {"http.request.method": method}
        span = self._tracer.start_span(
            method, parent.context, kind=SpanKind.SERVER, attributes=attributes, start_time=began_ns
        )
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


def _end(span: trace.Span, exchange: Exchange) -> None:
    """Name a request's span by its route, and say how it ended."""
    if exchange.route != UNMATCHED:
        span.update_name(f"{exchange.method} {exchange.route}")
        span.set_attribute("http.route", exchange.route)
    span.set_attribute("http.response.status_code", exchange.status)
    if exchange.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.set_attribute("error.type", str(exchange.status))
        span.set_status(Status(StatusCode.ERROR))
    span.end()
