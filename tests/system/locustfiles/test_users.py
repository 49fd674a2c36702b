"""Each locustfile runs with plain `locust`, headless, against a server that answers as the service does."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest
from tests.system.conftest import ROOT

CLIENT = b'{"service_id":7,"name":"Esperanza Benitez Rodriguez Martinez Lopez Test"}'
PLAN = b'{"plan_id":1,"name":"Hogar"}'
VERIFIED = b'{"is_valid":true,"matched_fields":["address","internet_plan_price"]}'


class Api(BaseHTTPRequestHandler):
    """Answers as the service does, to those who send the key."""

    protocol_version = "HTTP/1.1"
    key: ClassVar = "consumer"
    is_right: ClassVar = True

    def do_GET(self) -> None:
        row = PLAN if "internet-plans" in self.path else CLIENT
        has_it = self.is_right and not self.path.rpartition("=")[2].isdigit()
        self._answer(b"[" + row + b"]" if has_it else b"[]")

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_reference = sent == {"address": "BELLAVISTA", "internet_plan_price": 40000.0}
        self._answer(VERIFIED if is_reference and self.is_right else b'{"is_valid":false}')

    def _answer(self, body: bytes) -> None:
        self.send_response(200 if self.headers["X-API-Key"] == self.key else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class WrongApi(Api):
    """Answers 200 with wrong content; to who asks for the plans 204, which Locust takes for a success."""

    is_right: ClassVar = False

    def _answer(self, body: bytes) -> None:
        if "internet-plans" in self.path:
            self.send_response(204)
            self.end_headers()
        else:
            super()._answer(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100  # all users come at once


@pytest.fixture
def api(request: pytest.FixtureRequest) -> Iterator[str]:
    with Server(("127.0.0.1", 0), getattr(request, "param", Api)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def locust(file: str, host: str, key: str = "consumer") -> subprocess.CompletedProcess[str]:
    load = ("--headless", "--users=60", "--spawn-rate=60", "--run-time=2s", "--stop-timeout=30")
    command = (sys.executable, "-m", "locust", f"--locustfile=locustfiles/{file}", f"--host={host}", *load)
    env = {**os.environ, "WISPHUB_API_KEY": key}
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.mark.parametrize(
    "file", ["bot_traffic.py", "heavy_verification.py", "client_search.py", "first_searches.py"]
)
def test_right_answers_are_no_failures(file: str, api: str) -> None:
    done = locust(file, api)
    assert done.returncode == 0, done.stderr
    assert "/api/v1/clients/" in done.stderr + done.stdout


@pytest.mark.parametrize("api", [WrongApi], indirect=True)
def test_wrong_content_and_any_status_but_200_are_failures_that_name_no_subscriber(api: str) -> None:
    done = locust("bot_traffic.py", api)
    told = done.stderr + done.stdout
    assert done.returncode == 1
    assert "not an array of objects" in told
    assert "HTTP 204" in told
    assert "?q=" not in told


def test_a_refused_key_is_a_failure(api: str) -> None:
    assert locust("client_search.py", api, key="another").returncode == 1
