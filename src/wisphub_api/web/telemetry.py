"""How the service is seen from outside: its log, its figures, and, where a collector is named, its traces."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from litestar.types import ASGIApp

from wisphub_api.settings import Settings
from wisphub_api.upstream.client import UpstreamCall
from wisphub_api.web.current import count_call
from wisphub_api.web.logs import configure_logs
from wisphub_api.web.metrics import Labelled, counting_calls, new_registry, watching_loop
from wisphub_api.web.request_log import logging_requests
from wisphub_api.web.request_metrics import RequestFigures, counting_requests

if TYPE_CHECKING:
    from wisphub_api.web.tracing import Tracing

logger = logging.getLogger(__name__)


class Telemetry:
    """What is told of one application, as an async context; to be left after all that makes calls.

    Attributes:
        registry: Where figures are kept.
        page: What `/metrics` shows of them.
        requests: Counts and times answers.
    """

    def __init__(self, settings: Settings) -> None:
        configure_logs(settings.log_level)
        self.registry = new_registry()
        several = settings.workers > 1
        self.page = Labelled(self.registry, worker=str(os.getpid())) if several else self.registry
        self.requests = RequestFigures()
        self.registry.register(self.requests)
        self._log_sample = settings.log_sample
        self._loop_lag = watching_loop(self.registry)
        self._tracing = new_tracing(settings.traces_collector)
        self._noters: list[Callable[[UpstreamCall], None]] = [counting_calls(self.registry), count_call]
        if self._tracing:
            self._noters.append(self._tracing.note)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Begin to watch the event loop."""
        if self._tracing:
            await self._open.enter_async_context(self._tracing)
        await self._open.enter_async_context(self._loop_lag)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Watch it no longer, and send the last spans."""
        await self._open.aclose()

    @property
    def is_tracing(self) -> bool:
        """Whether each request is told to a collector."""
        return self._tracing is not None

    def note_call(self, call: UpstreamCall) -> None:
        """Take note of a try of a call to WispHub Net."""
        for note in self._noters:
            note(call)

    def observing(self, app: ASGIApp) -> ASGIApp:
        """Wrap the whole application: each request is counted, timed, told and traced."""
        inner = self._tracing.wrap(app) if self._tracing else app
        return logging_requests(counting_requests(inner, self.requests.note), self._log_sample)


def new_tracing(collector: str) -> Tracing | None:
    """Make the traces; None where no collector is named, or the extra `traces` is not installed."""
    if not collector:
        return None
    try:
        module = importlib.import_module("wisphub_api.web.tracing")
    except ImportError:
        logger.warning("no traces: install wisphub-api[traces], or unset OTEL_EXPORTER_OTLP_ENDPOINT")
        return None
    tracing: Tracing = module.Tracing(collector)
    return tracing
