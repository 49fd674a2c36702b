"""Traces reach a collector, hold no subscriber's data, and cost nobody an answer."""

import asyncio
import socket
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import msgspec
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from wisphub_api.app import create_app
from wisphub_api.upstream.client import UpstreamCall
from wisphub_api.web.telemetry.tracing import TellingExporter, Tracing

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(ThreadingHTTPServer):
    """Takes traces over OTLP/HTTP, and keeps what it was sent."""

    daemon_threads = True

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), CollectorHandler)
        self.status = status
        self.bodies: list[bytes] = []
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self) -> list[Span]:
        return [
            span
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def resource(self) -> dict[str, str]:
        attributes = (
            ExportTraceServiceRequest.FromString(self.bodies[0]).resource_spans[0].resource.attributes
        )
        return {pair.key: pair.value.string_value for pair in attributes}


class CollectorHandler(BaseHTTPRequestHandler):
    timeout: ClassVar[float] = 10

    def do_POST(self) -> None:  # the name that http.server looks for
        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.append(self.path)
        self.server.bodies.append(body)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002  # http.server's name


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.fixture
def traced(settings, collector):
    return msgspec.structs.replace(settings, traces_collector=collector.url)


def attributes(span: Span) -> dict[str, Any]:
    return {pair.key: pair.value.string_value or pair.value.int_value for pair in span.attributes}


def named(spans: list[Span], name: str) -> Span:
    (found,) = [span for span in spans if span.name == name]
    return found


async def test_a_request_is_a_span_below_its_callers_and_its_calls_are_below_it(serve, traced, collector):
    async with serve(traced) as api:
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-ID": "chat-1"}
        await api.get("/api/v1/tickets/999", headers=headers)
    span = named(collector.spans(), "GET /api/v1/tickets/{ticket_id}")
    call = named(collector.spans(), "/api/tickets/{ticket_id}/")
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert (call.trace_id, call.parent_span_id) == (span.trace_id, span.span_id)
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.route": "/api/v1/tickets/{ticket_id}",
        "http.response.status_code": 404,
        "wisphub.request_id": "chat-1",
    }
    assert attributes(call) == {
        "peer.service": "wisphub-net",
        "url.template": "/api/tickets/{ticket_id}/",
        "error.type": "UpstreamFailed",
    }
    assert (span.kind, call.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    assert span.start_time_unix_nano <= call.start_time_unix_nano < call.end_time_unix_nano
    assert collector.paths[0] == "/v1/traces"
    assert collector.resource()["service.name"] == "wisphub-api"


async def test_lines_in_the_log_name_the_trace(serve, traced, lines):
    async with serve(msgspec.structs.replace(traced, log_sample=1)) as api:
        await api.get("/health", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    assert [line["trace_id"] for line in lines() if line["event"] == "request"] == [TRACE]


@pytest.mark.parametrize("sampler", ["parentbased_always_off", "parentbased_traceidratio"])
@pytest.mark.parametrize("is_fast", [True, False])
async def test_a_callers_decision_is_followed_and_a_share_of_the_rest_is_traced(
    serve, traced, collector, sampler, is_fast
):
    """Not one span is made of what is not sampled, its calls to WispHub Net among it."""
    settings = msgspec.structs.replace(traced, traces_sampler=sampler, traces_sampler_arg=0.0)
    path = "/api/v1/clients/by-service-id/7" if is_fast else "/api/v1/tickets/999"
    async with serve(settings) as api:
        await api.get(path)
        for flag in ("00", "01"):
            await api.get(path, headers={"traceparent": f"00-{TRACE}-{PARENT}-{flag}"})
    requests = [span for span in collector.spans() if span.kind == Span.SPAN_KIND_SERVER]
    assert [span.trace_id.hex() for span in requests] == [TRACE]
    assert {span.trace_id.hex() for span in collector.spans()} == {TRACE}


async def test_without_parent_based_a_callers_decision_is_not_followed(serve, traced, collector):
    async with serve(msgspec.structs.replace(traced, traces_sampler="always_off")) as api:
        await api.get("/health", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    assert collector.bodies == []


async def test_the_loads_of_caches_are_traces_of_their_own(serve, traced, collector):
    async with serve(traced) as api:
        await api.get("/api/v1/clients/")
    request = named(collector.spans(), "GET /api/v1/clients")
    pages = [span for span in collector.spans() if span.name == "/api/clientes/"]
    assert len(pages) == 3
    assert {page.parent_span_id for page in pages} == {b""}
    assert request.trace_id not in {page.trace_id for page in pages}


async def test_a_server_error_marks_the_span_and_an_unknown_path_is_not_told(
    serve, traced, collector, simulator
):
    simulator.fail(kind="status", status=403)
    async with serve(traced) as api:
        await api.get("/api/v1/clients/")
        await api.get("/api/v1/esperanza-benitez")
    failed = named(collector.spans(), "GET /api/v1/clients")
    assert attributes(failed)["error.type"] == "503"
    assert failed.status.code == failed.status.STATUS_CODE_ERROR
    unmatched = named(collector.spans(), "GET")
    assert "http.route" not in attributes(unmatched)


async def test_nothing_of_a_client_or_a_key_is_in_what_is_sent(serve, traced, collector):
    async with serve(traced) as api:
        client = (await api.get("/api/v1/clients/by-service-id/7")).json()
        for path in ("search?q={name}", "by-document/{document}", "by-phone/{phone}", "by-phone/{phone}/x"):
            trace = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": f"a={client['document']}"}
            await api.get("/api/v1/clients/" + path.format(**client), headers=trace)
        claim = {name: client[name] for name in ("name", "address", "internet_plan_price")}
        await api.post("/api/v1/clients/7/verify", json=claim)
        await api.post("/api/v1/clients/resolve", json=claim)
        await api.put("/api/v1/clients/7", json={"address": "BELLAVISTA"})
    sent = b"".join(collector.bodies).lower()
    assert len(collector.spans()) > 10
    held = [str(client[name]) for name in ("name", "document", "phone", "address", "antenna_ip", "locality")]
    hushed = [*held, *client["name"].split(), "the-consumer-key", traced.net_key.reveal(), "/7", "127.0.0.1"]
    assert [value for value in hushed if value.lower().encode() in sent] == []


async def test_a_collector_that_hangs_holds_up_no_stop(monkeypatch):
    monkeypatch.setattr("wisphub_api.web.telemetry.tracing.STOP_WAIT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        tracing = Tracing(f"http://127.0.0.1:{hanging.getsockname()[1]}", 1.0, follows_parent=True)
        tracing.note(UpstreamCall("/api/clientes/", "ok", 0.1))
        async with asyncio.timeout(5):  # a batch is given up after 10 s
            await tracing.__aexit__()


class Fickle(SpanExporter):
    """Fails or not, as it is told to beforehand."""

    def __init__(self, *results: SpanExportResult) -> None:
        self._results = list(results)

    def export(self, spans: object) -> SpanExportResult:  # noqa: ARG002  # an exporter's signature
        return self._results.pop(0)


def test_a_collector_that_takes_no_traces_is_told_once_and_again_when_it_does(caplog):
    good, bad = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
    exporter = TellingExporter(Fickle(good, bad, bad, bad, good, good))
    caplog.set_level("INFO", "wisphub_api")
    told = []
    for _ in range(6):
        exporter.export([])
        told.append(len(caplog.records))
    assert told == [0, 1, 1, 1, 2, 2]


def test_without_the_extra_the_service_starts_and_says_so(settings, monkeypatch, lines):
    monkeypatch.delitem(sys.modules, "wisphub_api.web.telemetry.tracing")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    create_app(msgspec.structs.replace(settings, traces_collector="http://127.0.0.1:1"))
    assert "wisphub-api[traces]" in lines()[0]["event"]
