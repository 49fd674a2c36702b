"""Where the service writes to, what must not be found there, and the search for it."""

import json
import re
import socket
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler, TCPServer, ThreadingTCPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import quote, quote_plus

import pytest
import redis

SHORTEST: Final = 4
"""Characters: a shorter value is found anywhere by chance."""
MOST_BEARERS: Final = 35
"""Of 700 subscribers: what more of them share ("Activo", a zone, an antenna) tells nothing of anyone."""
PUBLIC: Final = frozenset(
    {
        *(
            "estado",
            "estado_facturas",
            "plan_internet",
            "zona",
            "router",
            "sectorial",
            "tecnico",
            "etiquetas",
        ),
        *("precio_plan", "costo_instalacion", "fecha_corte", "fecha_instalacion", "ultimo_cambio"),
        *(
            "comentarios",
            "informacion_adicional",
            "interfaz_lan",
            "modelo_antena",
            "modelo_router_wifi",
            "firewall",
        ),
    }
)
"""Fields of which the provider has a list, and dates: any log line has one."""
WORDS: Final = frozenset({"direccion", "localidad", "ciudad"})
"""Fields that may hold the name of a place alone; such a one is a word of the language."""


class Threading(ThreadingTCPServer):
    """Ends although a connection is open."""

    daemon_threads = True


class Wiretap:
    """Stands between the service and WispHub Net, and keeps what is sent there."""

    def __init__(self) -> None:
        self._sent: list[bytearray] = []

    @contextmanager
    def listening(self, upstream: tuple[str, int]) -> Iterator[str]:
        """Pass everything on to `upstream`; gives the URL to ask instead."""
        tap = self

        class PassOn(BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(upstream) as there:
                    sent = bytearray()
                    tap._sent.append(sent)
                    back = Thread(target=_pump, args=(there, self.request, bytearray()), daemon=True)
                    back.start()
                    _pump(self.request, there, sent)
                    back.join()

        with _serving(Threading(("127.0.0.1", 0), PassOn)) as url:
            yield url

    def urls(self) -> bytes:
        """Give every request line."""
        lines = re.compile(rb"(?m)^(?:GET|PUT|POST) .* HTTP/1\.1\r$")
        return b"\n".join(line for sent in self._sent for line in lines.findall(sent))


class Collector:
    """Stands in for what collects traces, and keeps what it is sent."""

    def __init__(self) -> None:
        self.received = bytearray()

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Take everything; gives the URL to send it to."""
        collector = self

        class Take(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.received += self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(HTTPStatus.OK)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Take)) as url:
            yield url


@contextmanager
def _serving(server: TCPServer) -> Iterator[str]:
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def _pump(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    """Pass on until one side hangs up, then tell the other."""
    with suppress(OSError):
        while part := source.recv(65_536):
            kept += part
            sink.sendall(part)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def telling_values(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Give what tells something of a subscriber, and in which field it stands.

    Left out are values that are shorter than four characters, that many subscribers share, or that stand in a
    `PUBLIC` field, and places' names that stand alone.
    """
    found: dict[str, str] = {}
    bearers: Counter[str] = Counter()
    for record in records:
        given = {str(value).strip(): field for field, value in record.items() if field not in PUBLIC}
        bearers.update(given.keys())
        found |= given
    return {
        value: field
        for value, field in found.items()
        if len(value) >= SHORTEST
        and bearers[value] <= MOST_BEARERS
        and not (field in WORDS and re.fullmatch(r"[^\W\d]+", value))
    }


def forms_of(value: str) -> set[str]:
    """Give a value as it may have been written: as it is, in a URL, in JSON, folded; all in lower case."""
    single = " ".join(value.split())
    folded = "".join(c for c in unicodedata.normalize("NFKD", single) if not unicodedata.combining(c))
    forms: set[str] = set()
    for text in (value, single, folded):
        forms |= {text, quote(text), quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1]}
    return {form.lower() for form in forms}


class Search:
    """Looks for what must be found nowhere.

    Args:
        telling: What is looked for, and what to call it.
    """

    def __init__(self, telling: Mapping[str, str]) -> None:
        self._forms = {form: name for value, name in telling.items() for form in forms_of(value)}

    def __len__(self) -> int:
        return len(self._forms)

    def findings(self, places: Mapping[str, bytes]) -> list[str]:
        """Say what was found where."""
        return [
            f"{name} {form!r} in {place}"
            for place, content in places.items()
            for form, name in self._found_in(content.decode(errors="replace").lower())
        ]

    def _found_in(self, text: str) -> list[tuple[str, str]]:
        """Look for all forms, which are thousands; nearly all are ruled out by their first letters."""
        starts = {text[at : at + SHORTEST] for at in range(len(text))}
        longer = {text[at : at + 2 * SHORTEST] for at in range(len(text))}
        return [
            (form, name)
            for form, name in self._forms.items()
            if form[:SHORTEST] in starts and (len(form) < 2 * SHORTEST or form[: 2 * SHORTEST] in longer)
            if form in text and _stands_alone(form, text)
        ]


def _stands_alone(form: str, text: str) -> bool:
    """Tell whether it is found as a value of its own, not as a piece of a longer number or word."""
    return re.search(rf"(?<![\w.]){re.escape(form)}(?![\w.]\w)(?!\w)", text) is not None


def _contents(connection: redis.Redis) -> bytes:
    """Give every key of a Redis and what it holds."""
    readers: dict[Any, Callable[[Any], object]] = {
        b"string": connection.get,
        b"hash": connection.hgetall,
        b"set": connection.smembers,
        b"list": lambda key: connection.lrange(key, 0, -1),
        b"zset": lambda key: connection.zrange(key, 0, -1),
        b"stream": connection.xrange,
    }
    return b"\n".join(
        b"%b %b" % (key, _flat(readers[connection.type(key)](key))) for key in connection.scan_iter()
    )


def _flat(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        return _flat([*value.keys(), *value.values()])
    return b" ".join(map(_flat, value)) if isinstance(value, list | set | tuple) else str(value).encode()


@pytest.fixture
def wiretap() -> Wiretap:
    """Make a wiretap."""
    return Wiretap()


@pytest.fixture
def collector() -> Collector:
    """Make a collector of traces."""
    return Collector()


@pytest.fixture
def searching() -> Callable[[Iterable[Mapping[str, Any]], Mapping[str, str]], Search]:
    """Make a search for subscribers' data in these records, and for these secrets by their names."""
    return lambda records, secrets: Search({**telling_values(records), **secrets})


@pytest.fixture
def contents() -> Callable[[redis.Redis], bytes]:
    """Read all that a Redis holds."""
    return _contents
