"""How the service is seen from outside: its log, its figures, and, where a collector is named, its traces."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from wisphub_api.settings import Settings
from wisphub_api.upstream.client import UpstreamCall
from wisphub_api.web.rules.current import CurrentRequest, count_call
from wisphub_api.web.telemetry.logs import configure_logs
from wisphub_api.web.telemetry.metrics import Labelled, counting_calls, new_registry, watching_loop
from wisphub_api.web.telemetry.request_log import Exchange, RequestLog
from wisphub_api.web.telemetry.request_metrics import RequestFigures

if TYPE_CHECKING:
    from wisphub_api.web.telemetry.tracing import Trace, Tracing

logger = logging.getLogger(__name__)


class Telemetry:
    """What is recorded of one application, as an async context; to be left after all that makes calls.

    Attributes:
        registry: Where figures are kept.
        page: What `/metrics` shows of them.
        tracing: Makes traces; None without a collector.
    """

    def __init__(self, settings: Settings) -> None:
        configure_logs(settings.log_level)
        self.registry = new_registry()
        several = settings.workers > 1
        self.page = Labelled(self.registry, worker=str(os.getpid())) if several else self.registry
        self._requests = RequestFigures()
        self.registry.register(self._requests)
        self._log = RequestLog(settings.log_sample)
        self._loop_lag = watching_loop(self.registry)
        self.tracing = new_tracing(settings)
        self._noters: list[Callable[[UpstreamCall], None]] = [counting_calls(self.registry), count_call]
        if self.tracing:
            self._noters.append(self.tracing.note)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Begin to watch the event loop."""
        if self.tracing:
            await self._open.enter_async_context(self.tracing)
        await self._open.enter_async_context(self._loop_lag)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Watch it no longer, and send the last spans."""
        await self._open.aclose()

    def note_call(self, call: UpstreamCall) -> None:
        """Take note of a try of a call to WispHub Net."""
        for note in self._noters:
            note(call)

    def start_trace(self, traceparent: bytes | None, method: str, current: CurrentRequest) -> Trace | None:
        """Begin the trace of a request, and enter its context; None where there are no traces."""
        if self.tracing is None:
            return None
        return self.tracing.start(self.tracing.parent_of(traceparent), method, current)

    def begin_trace(self, traceparent: bytes | None, method: str, current: CurrentRequest) -> Trace | None:
        """Begin the trace of a request that makes no calls; None where there are no traces."""
        if self.tracing is None:
            return None
        return self.tracing.begin(self.tracing.parent_of(traceparent), method, current)

    def record(self, exchange: Exchange, trace: Trace | None = None) -> None:
        """Count and log a request that has been answered, and end its trace."""
        self._requests.count(exchange.route, exchange.method, exchange.status, exchange.first_byte_s)
        if trace is not None and self.tracing is not None:
            self.tracing.end(trace, exchange)
        self._log.write(exchange)


def new_tracing(settings: Settings) -> Tracing | None:
    """Return the traces; None where no collector is named, or the extra `traces` is not installed."""
    if not settings.traces_collector:
        return None
    try:
        module = importlib.import_module("wisphub_api.web.telemetry.tracing")
    except ImportError:
        logger.warning("no traces: install wisphub-api[traces], or unset OTEL_EXPORTER_OTLP_ENDPOINT")
        return None
    tracing: Tracing = module.Tracing(
        settings.traces_collector, settings.traces_share, follows_parent=settings.traces_follow_parent
    )
    return tracing
