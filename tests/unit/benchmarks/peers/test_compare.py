from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.peers.answers import fetch_all
from benchmarks.peers.cases import Case
from benchmarks.peers.compare import SLOWEST_S, Comparison
from benchmarks.peers.figures import FASTAPI, NGINX, US
from benchmarks.peers.wrk import Ask

CASE = Case(name="by document", asks=(Ask("/1"), Ask("/2")))


class Handler(BaseHTTPRequestHandler):
    """Answers a path with its number; one server does so late, one wrongly."""

    def do_GET(self) -> None:
        address: Any = self.server
        sleep(address.late_s)
        number = b"0" if address.is_wrong and self.path == "/2" else self.path[1:].encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"service_id":%s}' % number)

    def log_message(self, *_: object) -> None: ...


class Answering(ThreadingHTTPServer):
    def __init__(self, *, late_s: float = 0.0, is_wrong: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.late_s = late_s
        self.is_wrong = is_wrong


@pytest.fixture
def servers() -> Iterator[dict[str, Answering]]:
    with ExitStack() as stack:
        found = {US: Answering(), FASTAPI: Answering(late_s=SLOWEST_S + 0.1), NGINX: Answering(is_wrong=True)}
        for server in found.values():
            stack.enter_context(server)
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join, 10)
            stack.callback(server.shutdown)
        yield found


def test_who_answers_otherwise_or_too_late_takes_no_part_and_that_is_told(servers, tmp_path):
    stand: Any = SimpleNamespace(
        clients=9, headers={"Host": "h"}, choose=lambda _: None, peers=lambda _: servers
    )
    comparison = Comparison(stand, tmp_path)
    part = comparison.part(CASE, list(fetch_all(servers[US].url, CASE.asks, {})))
    assert part.servers.keys() == {US}
    assert part.answer_bytes == len('{"service_id":1}')
    why = {
        missing.server: (missing.why.partition(":")[0], missing.is_failure) for missing in comparison.missing
    }
    assert why == {FASTAPI: ("too slow to be measured", False), NGINX: ("answers something else", True)}


def test_what_we_do_not_offer_is_left_out(servers, tmp_path):
    comparison = Comparison(SimpleNamespace(clients=9, headers={"Host": "h"}), tmp_path)  # type: ignore[arg-type]  # is asked for no more
    gzip = Case(name="list, gzip", asks=(Ask("/1"),), coding="gzip")
    assert comparison.ours(servers[US], gzip) == []
    assert [(missing.server, missing.why, missing.is_failure) for missing in comparison.missing] == [
        (US, "not offered", False)
    ]
