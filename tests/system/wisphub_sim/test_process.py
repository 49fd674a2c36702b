"""The simulator as a process of its own."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

READY = "wisphub-sim listening on "


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a simulator; yield its process and address, and end it afterwards."""
    command = [sys.executable, "-m", "wisphub_sim", "--port", "0", "--latency-ms", "0", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith(READY), process.stderr and process.stderr.read()
            yield process, line.removeprefix(READY).strip()
        finally:
            process.kill()


def ask(url: str, path: str, body: bytes | None = None) -> dict[str, object]:
    headers = {"Authorization": "Api-Key demo-key"}
    request = urllib.request.Request(f"{url}{path}", body, headers)  # noqa: S310 - the test's own server
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - likewise
        found: dict[str, object] = json.load(answer)
        return found


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Return the exit code, the rest of the output, and the errors."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.smoke
def test_it_says_where_it_listens_and_nothing_else_until_it_is_stopped():
    with running("--clients", "12") as (process, url):
        assert ask(url, "/api/clientes/")["count"] == 12
        process.send_signal(signal.SIGTERM)
        assert ended(process) == (0, "", "")


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_with_a_hung_request_in_flight(signal_number):
    with running() as (process, url):
        ask(url, "/_sim/faults", b'{"kind": "hang"}')
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"GET /api/clientes/ HTTP/1.1\r\nAuthorization: Api-Key demo-key\r\n\r\n")
            while ask(url, "/_sim/stats")["in_flight"] == 0:
                pass
            process.send_signal(signal_number)
            assert ended(process) == (0, "", "")


def test_its_options_show_in_its_configuration_and_it_stops_when_its_parent_is_gone():
    options = ("--rate-limit", "50", "--retry-after", "none", "--seed", "5", "--clients", "500000")
    with running(*options, "--until-stdin-closes") as (process, url):
        assert ask(url, "/_sim/config") == {
            "latency_ms": "0",
            "rate_limit_per_s": 50.0,
            "retry_after_s": None,
            "clients": 500_000,
            "seed": 5,
        }
        assert process.stdin
        process.stdin.close()
        process.stdin = None
        assert ended(process)[0] == 0
