"""What is found of a configuration: what works, and of what does not, where to look."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import stamina

from wisphub_api.check import Finding, findings, never_filled
from wisphub_api.clients.models import Client
from wisphub_api.setting_values import Secret
from wisphub_api.settings import Settings

PARTS = ["WispHub Net", "one client by its id", "internet plans", "tickets", "payment methods"]


@pytest.fixture(autouse=True)
def without_pauses() -> Iterator[None]:
    """Let calls be tried again at once."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


async def found(settings: Settings) -> dict[str, Finding]:
    return {finding.part: finding async for finding in findings(settings)}


async def failed(settings: Settings) -> dict[str, str]:
    return {part: finding.detail for part, finding in (await found(settings)).items() if not finding.is_good}


async def test_all_that_the_service_needs_is_looked_at(settings):
    all_found = await found(settings)
    assert list(all_found) == PARTS
    assert all(finding.is_good for finding in all_found.values())
    assert all_found["WispHub Net"].detail == (
        "reached, key accepted; of 700 clients the first 300 were read, 0 without a usable id; "
        "never filled: no field"
    )
    assert all_found["payment methods"].detail == "7 read"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"net_key": Secret("wrong")}, "WispHub Net does not accept WISPHUB_NET_KEY (403): look for the key"),
        ({"net_host": "http://127.0.0.1:1"}, "nothing listens there"),
        ({"net_host": "https://wisphub.invalid"}, "its name is not known"),
    ],
    ids=["key", "port", "name"],
)
async def test_without_wisphub_net_nothing_else_is_looked_at(settings, change, told):
    problems = await failed(msgspec.structs.replace(settings, **change))
    assert list(problems) == ["WispHub Net"]
    assert problems["WispHub Net"].startswith(told)


async def test_a_server_without_tls_where_there_should_be_is_told(settings):
    problems = await failed(
        msgspec.structs.replace(settings, net_host=settings.net_host.replace("http:", "https:"))
    )
    assert problems["WispHub Net"].startswith("no TLS connection: ")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "html"}, "something that is not a list: half an answer, a proxy's page"),
        ({"kind": "truncate"}, "something that is not a list: half an answer"),
        ({"kind": "drop"}, "could not be reached, or hung up"),
        ({"kind": "status", "status": 429, "retry_after_s": 60}, "asked too often (429): try again later"),
        ({"kind": "status", "status": 404}, "status 404: is WISPHUB_NET_HOST the address of the API?"),
        ({"kind": "status", "status": 500}, "status 500"),
    ],
    ids=["html", "truncated", "dropped", "limited", "not found", "failing"],
)
async def test_each_kind_of_trouble_is_told_apart(settings, simulator, fault, told):
    simulator.fail(**fault)
    problems = await failed(settings)
    assert told in problems["WispHub Net"]
    assert len(problems) == 1


async def test_one_that_hangs_is_told(settings, simulator):
    simulator.fail(kind="hang")
    problems = await failed(msgspec.structs.replace(settings, net_timeout_s=0.3))
    assert list(problems) == ["WispHub Net"]
    assert "did not answer /api/clientes/ in time: it is slow, hangs" in problems["WispHub Net"]


async def test_what_fails_in_one_part_is_told_of_that_part_alone(settings, simulator):
    for path in ("/api/plan-internet/", "/api/tickets/", "/api/formas-de-pago/"):
        simulator.fail(kind="status", status=500, path=path)
    problems = await failed(settings)
    assert {part: told.rpartition(" ")[2] for part, told in problems.items()} == {
        "internet plans": "500",
        "tickets": "500",
        "payment methods": "500",
    }


async def test_redis_is_looked_at_where_it_is_named(settings):
    settings = msgspec.structs.replace(settings, redis_url=Secret("redis://:hush@127.0.0.1:1/0"))
    assert await failed(settings) == {"Redis": "it cannot be reached"}


async def test_rows_without_a_usable_id_are_counted(settings, simulator):
    simulator.fail(kind="bad_rows", path="/api/clientes/", rows=5, count=1)
    assert ", 5 without a usable id; " in (await found(settings))["WispHub Net"].detail


def test_fields_that_no_client_has_are_named():
    filled: dict[str, Any] = dict.fromkeys(Client.__struct_fields__)
    some = Client(**{**filled, "service_id": 1, "name": "x", "city": "y"})
    other = Client(**{**filled, "service_id": 2, "phone": "1"})
    assert set(filled) - set(never_filled([some, other])) == {"service_id", "name", "city", "phone"}


@pytest.fixture
def scripted(settings) -> Iterator[tuple[Settings, dict[str, Any]]]:
    """Give settings for a server that answers the pages of a dictionary, by path or filter."""
    pages: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server looks for
            url = urlsplit(self.path)
            page = pages.get("filtered" if "id_servicio" in parse_qs(url.query) else url.path, [])
            body = json.dumps({"count": len(page), "results": page}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002  # http.server's name

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield msgspec.structs.replace(settings, net_host=f"http://127.0.0.1:{server.server_port}"), pages
        server.shutdown()
        thread.join(10)


async def test_an_account_without_clients_is_told(scripted):
    assert "it lists no client" in (await failed(scripted[0]))["WispHub Net"]


async def test_a_client_that_is_not_found_by_its_id_is_told(scripted):
    settings, pages = scripted
    pages["/api/clientes/"] = [{"id_servicio": 41, "nombre": "x"}]
    pages["filtered"] = [{"id_servicio": 42, "nombre": "x"}]
    problems = await failed(settings)
    assert problems == {"one client by its id": "WispHub Net does not find by its id a client that it lists"}
