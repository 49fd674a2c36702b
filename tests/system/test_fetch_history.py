"""The pipeline's history of load tests is never lost: `.ci/fetch-history`."""

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.system.conftest import ROOT

SCRIPT = ROOT / ".ci" / "fetch-history"
HISTORY = b'{"schema_version":1}\n'


class PagesServer(ThreadingHTTPServer):
    """Remembers the tokens that it was shown."""

    tokens: list[str | None]


class Pages(BaseHTTPRequestHandler):
    """Answers by path: `/200` with a history, `/cut` with less of it than announced."""

    def do_GET(self):
        name = self.path.strip("/")
        assert isinstance(self.server, PagesServer)
        self.server.tokens.append(self.headers["Authorization"])
        self.send_response(200 if name == "cut" else int(name))
        self.send_header("Location", "/200")
        self.send_header("Content-Length", str(len(HISTORY) + (name == "cut")))
        self.end_headers()
        self.wfile.write(HISTORY)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def pages() -> Iterator[PagesServer]:
    with PagesServer(("127.0.0.1", 0), Pages) as server:
        server.tokens = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def fetch(pages, tmp_path, monkeypatch):
    """Fetch from a path of the pages; return the exit code, the complaint, and what files are there."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("PAGES_TOKEN", raising=False)

    def run(path, *, port=pages.server_port):
        url = f"http://127.0.0.1:{port}/{path}"
        command = [str(SCRIPT), url, str(tmp_path / "history.jsonl")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stderr, {each.name: each.read_bytes() for each in tmp_path.iterdir()}

    return run


def test_what_was_published_is_fetched(fetch):
    assert fetch("200") == (0, "", {"history.jsonl": HISTORY})


def test_the_first_time_there_is_none(fetch):
    assert fetch("404") == (0, "", {})


@pytest.mark.parametrize("status", ["302", "401", "503"])
def test_any_other_answer_ends_the_job(fetch, status):
    code, error, left = fetch(status)
    assert (code, left) == (1, {})
    assert f"status {status}" in error


def test_half_a_history_is_none(fetch):
    code, error, left = fetch("cut")
    assert code != 0
    assert left == {}
    assert "curl" in error


def test_no_answer_at_all_ends_the_job(fetch, unused_tcp_port):
    code, error, left = fetch("200", port=unused_tcp_port)
    assert code != 0
    assert left == {}
    assert "curl" in error


def test_a_token_opens_pages_that_are_not_public(fetch, pages, monkeypatch):
    fetch("200")
    monkeypatch.setenv("PAGES_TOKEN", "abc def")
    fetch("200")
    assert pages.tokens == [None, "Bearer abc def"]
