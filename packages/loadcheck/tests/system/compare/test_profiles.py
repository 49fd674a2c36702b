"""py-spy looks at a real process: who waits is seen where that is asked for."""

import sys

import pytest

from loadcheck.compare.profiles import Sampling, record
from loadcheck.run.server import Program, serving
from loadcheck.run.sides import Side

WAITER = """
import http.server, sys, threading, time

def wait_for_ever():
    time.sleep(100_000)

threading.Thread(target=wait_for_ever, daemon=True).start()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.BaseHTTPRequestHandler).serve_forever()
"""


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    program = Program(name="waiter", command=(sys.executable, "-c", WAITER, "{port}"), ready_within_s=60)
    with serving(program, logs=tmp_path_factory.mktemp("waiter")) as server:
        yield Side(name="base", url=server.url, pids=(server.pid,))


@pytest.mark.parametrize("sees_waits", [True, False])
def test_a_wait_is_seen_where_that_is_asked_for(waiting, tmp_path, sees_waits):
    found = record([waiting], Sampling(seconds=1, sees_waits=sees_waits), tmp_path)
    assert ("wait_for_ever (<string>)" in found["base"].within) is sees_waits
