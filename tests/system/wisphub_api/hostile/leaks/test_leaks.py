"""Nothing of a subscriber, and no secret, is found in what the service writes besides its good answers."""

import asyncio
import itertools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
import pytest
from msgspec import Struct

CONSUMER_KEY: Final = "the-consumer-key"
FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 400},
    {"kind": "status", "status": 429, "retry_after_s": 0.1},
    {"kind": "hang"},
    {"kind": "truncate"},
    {"kind": "html"},
    {"kind": "drop", "mode": "mid"},
)
CLAIM: Final = {
    "name": "nombre",
    "address": "direccion",
    "document": "cedula",
    "phone": "telefono",
    "city": "ciudad",
    "locality": "localidad",
}
ASKED_WITH: Final = (
    *(
        "Idempotency-Key",
        "Cache-Control",
        "If-None-Match",
        "User-Agent",
        "Referer",
        "Cookie",
        "Authorization",
    ),
    *("X-API-Key", "Origin", "Forwarded", "traceparent", "tracestate", "Content-Type", "Accept"),
)
"""Headers that may hold anything; a caller's `X-Request-ID` is meant to be written as it is."""
HERE: Final = Path(__file__).parent
ROOT: Final = Path(__file__).parents[5]


class Operation(Struct, frozen=True):
    """What the description says that can be asked."""

    method: str
    path: str
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations(description: dict[str, Any]) -> Iterator[Operation]:
    schemas = description["components"]["schemas"]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            schema = schemas.get(body.get("schema", {}).get("$ref", "").rpartition("/")[2], {})
            yield Operation(method.upper(), path, tuple(schema.get("properties", ())))


class Driver:
    """Drives every operation with what it takes and with what it does not, and keeps what is answered.

    Attributes:
        errors: The bodies of all answers but the good ones, each once.
        headers: The lines of all answers' headers, each once.
        answered: The operations that have had a good answer.
    """

    def __init__(self, api: httpx.AsyncClient, known: list[Operation], record: Mapping[str, Any]) -> None:
        self._api = api
        self._known = known
        self._record = record
        self._ids = {
            "plan_id": "11",
            "zone_id": "5",
            "name": "clients",
            "service_id": str(record["id_servicio"]),
        }
        self._ids |= {"document": str(record["cedula"]), "phone": str(record["telefono"])}
        self.errors: set[bytes] = set()
        self.headers: set[bytes] = set()
        self.answered: set[str] = set()

    async def make_ids(self) -> None:
        """Open a ticket and start a ping, so that there is one to be asked for."""
        ticket = await self._api.post(
            "/api/v1/tickets", json=self._body(("service_id", "subject", "description"))
        )
        ping = await self._api.post(f"/api/v1/network/{self._ids['service_id']}/ping")
        self._ids |= {"ticket_id": str(ticket.json()["ticket_id"]), "task_id": ping.json()["task_id"]}

    async def ask_well(self) -> None:
        """Ask for everything with this record's own data."""
        await asyncio.gather(*(self._ask_well(operation) for operation in self._known))

    async def ask_badly(self, telling: list[str]) -> None:
        """Put what tells something into every place of a request where it does not belong."""
        for operation in self._known:
            await asyncio.gather(*(self._ask_badly(operation, value) for value in telling))

    async def _ask_well(self, operation: Operation) -> None:
        query = {"q": str(self._record["nombre"]).split()[0]} if operation.path.endswith("/search") else {}
        body = self._body(operation.fields) if operation.fields else None
        await self._ask(operation, self._path(operation, self._ids), params=query, json=body)

    async def _ask_badly(self, operation: Operation, value: str) -> None:
        path, wrong = self._path(operation, self._ids), dict.fromkeys(self._ids, quote(value, safe=""))
        is_header = value.isascii() and value.isprintable()
        await self._ask(operation, self._path(operation, wrong))
        await self._ask(operation, f"{path}/{quote(value, safe='')}")
        for name in ("q", "limit", "wait", "unknown"):
            await self._ask(operation, path, params=[(name, value), (name, value)])
            await self._ask(operation, path, params={name: value})
        for header in ASKED_WITH if is_header else ():
            await self._ask(operation, path, headers={header: value}, content=value.encode())
        for content in self._wrong_bodies(operation, value):
            await self._ask(operation, path, content=content)

    def _wrong_bodies(self, operation: Operation, value: str) -> Iterator[bytes]:
        for field in operation.fields:
            yield json.dumps({field: value}).encode()
            yield json.dumps({field: [value]}).encode()
        yield json.dumps({value: 1}).encode()
        yield json.dumps(value).encode()
        yield value.encode()
        yield b'{"name": "' + value.encode() + b"\xff"

    def _path(self, operation: Operation, ids: Mapping[str, str]) -> str:
        return operation.path.format(**ids)

    def _body(self, fields: tuple[str, ...]) -> dict[str, Any]:
        known = {
            "internet_plan_name": self._record["plan_internet"]["nombre"],
            "internet_plan_price": float(self._record["precio_plan"]),
            "service_id": int(self._ids["service_id"]),
            "subject": "Internet Lento",
            "description": f"{self._record['nombre']}, {self._record['direccion']}",
            **{ours: self._record[theirs] for ours, theirs in CLAIM.items()},
        }
        return {field: known[field] for field in fields if field in known}

    async def _ask(self, operation: Operation, path: str, **options: Any) -> None:
        answer = await self._api.request(operation.method, path, **options)
        self.headers.update(b"%b: %b" % header for header in answer.headers.raw)
        if answer.is_success:
            self.answered.add(str(operation))
        else:
            self.errors.add(answer.content)


NONSENSE: Final = (
    "GET /api/v1/clients/by-phone/{0} HTTP/9.9\r\n\r\n",
    "GET /{0} HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eA==\r\n\r\n",
    "{0}\r\n\r\n",
    "POST /api/v1/clients/resolve HTTP/1.1\r\nX-API-Key: {1}\r\nContent-Length: 999\r\n\r\n{0}",
)
"""What is no HTTP, none that is served, or none that comes to its end."""


def send_nonsense(port: int, telling: list[str]) -> None:
    """Ask for what tells something in ways in which nothing is answered."""
    for value, wire in itertools.product(telling, NONSENSE):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(wire.format(quote(value), CONSUMER_KEY).encode())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass


LOAD_TEST: Final = """
import os
import pytest
from loadcheck import closed

@pytest.mark.perf
def test_load(load):
    people = "{users}:WispHubAPIUser"
    workload = closed(people, users=6, hold_s=3)
    load.play(workload, load.serve(["never"]), env={{"WISPHUB_API_KEY": os.environ["CONSUMER_KEY"]}})
"""


def load_test(url: str, folder: Path) -> bytes:
    """Run a short load test against the service; gives all that it has written."""
    test = folder / "test_load.py"
    test.write_text(LOAD_TEST.format(users=ROOT / "locustfiles" / "bot_traffic.py"))
    options = [
        "-m",
        "perf",
        "-p",
        "no:locust",
        "-p",
        "no:cacheprovider",
        f"--perf-target={url}",
        f"--rootdir={ROOT}",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-c", os.devnull, str(test)],
        cwd=folder,
        capture_output=True,
        timeout=300,
        check=False,
        env=os.environ | {"CONSUMER_KEY": CONSUMER_KEY},
    )
    report = [path.read_bytes() for path in folder.rglob("*") if path.is_file() and path != test]
    assert b"/api/v1/clients/search" in b"".join(report), done.stdout
    return b"\n".join([done.stdout, done.stderr, *report])


@pytest.mark.timeout(600)
async def test_nothing_of_a_subscriber_and_no_secret_is_written(  # noqa: PLR0917  # fixtures
    run, environ, simulator, wiretap, collector, searching, redis_server, contents, tmp_path
):
    records = simulator.records()
    record = next(record for record in records if record["id_servicio"] == 7)
    telling = [str(record[field]) for field in ("nombre", "telefono", "password_cpe")]
    secrets = {environ["WISPHUB_NET_KEY"]: "the upstream's key", CONSUMER_KEY: "a consumer's key"}
    upstream = urlsplit(simulator.url)
    (snapshots := tmp_path / "snapshots").mkdir()
    (reports := tmp_path / "reports").mkdir()
    with wiretap.listening((upstream.hostname, upstream.port)) as host, collector.listening() as traces:
        environ |= {
            "WISPHUB_NET_HOST": host,
            "WISPHUB_NET_TIMEOUT": "1",
            "WISPHUB_API_LOG_LEVEL": "debug",
            "WISPHUB_API_LOG_SAMPLE": "1",
            "WISPHUB_API_REDIS_URL": redis_server.url,
            "WISPHUB_API_SNAPSHOT_DIR": str(snapshots),
            "OTEL_EXPORTER_OTLP_ENDPOINT": traces,
        }
        with run(environ) as service:
            headers = {"X-API-Key": CONSUMER_KEY}
            async with httpx.AsyncClient(base_url=service.url, headers=headers, timeout=60) as api:
                known = list(operations((await api.get("/docs/openapi.json")).json()))
                driver = Driver(api, known, record)
                await driver.make_ids()
                await driver.ask_well()
                assert driver.answered == {str(operation) for operation in known}
                await driver.ask_badly([*telling, *secrets])
                for fault in FAULTS:
                    simulator.fail(**fault)
                    await driver.ask_well()
                    simulator.reset()
                await asyncio.to_thread(send_nonsense, service.port, telling)
                report = await asyncio.to_thread(load_test, service.url, reports)
                metrics, caches = [(await api.get(path)).content for path in ("/metrics", "/api/v1/cache")]
            with redis_server.connected() as connection:
                shared = contents(connection)
        places = {
            "the log": service.log.read_bytes(),
            "the metrics": metrics,
            "the state of the caches": caches,
            "an error": b"\n".join(driver.errors),
            "a header": b"\n".join(driver.headers),
            "a URL to WispHub Net": wiretap.urls(),
            "a load test's report": report,
            "a trace": bytes(collector.received),
            "Redis": shared,
            "a snapshot": b"".join(path.read_bytes() for path in snapshots.rglob("*") if path.is_file()),
        }
    assert all(places.values())
    search = searching(records, secrets)
    assert len(search) > 700
    assert search.findings(places) == []


@pytest.mark.parametrize(
    "line",
    [
        "INFO asked for Esperanza Benitez",
        "/api/v1/clients/search?q=Esperanza+Benitez&limit=1",
        '{"event": "3104567890"}',
        "esperanza.benitez7@isp-demo",
        "found (34567890), 10.20.0.7.",
        "SIM-SECRET-router-7",
        r"Mar\u00eda Camila",
        "maria%20camila",
        "X-API-Key: the-consumer-key",
    ],
)
def test_the_search_finds_what_is_planted(searching, simulator, line):
    records = [*simulator.records(), {"nombre": "María Camila"}]
    search = searching(records, {CONSUMER_KEY: "a consumer's key"})
    assert search.findings({"the log": b"INFO ready\n", "a report": f"x\n{line}\n".encode()})


def test_the_search_finds_nothing_where_there_is_nothing(searching, simulator):
    search = searching(simulator.records(), {CONSUMER_KEY: "a consumer's key"})
    text = b"2026-11-23 17:39:47,226 INFO clients loaded: 700 in 0.05 s, Activo, 234567890123, 10.20.0.77.5"
    assert search.findings({"the log": text}) == []
