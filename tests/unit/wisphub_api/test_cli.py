"""The command, called in this process: what it refuses, and what it tells."""

import json
import logging
import re
import signal
import socket
from collections.abc import Callable, Iterator

import pytest
import stamina
from click.testing import CliRunner, Result

from wisphub_api.cli import main
from wisphub_api.settings import ENVIRONMENT

Run = Callable[..., Result]
KEY = "the-consumer-key"


@pytest.fixture
def run(monkeypatch, tmp_path) -> Iterator[Run]:
    """Call the command where there are no settings but those given; calls are tried again at once."""
    monkeypatch.chdir(tmp_path)
    for variable in ENVIRONMENT.values():
        monkeypatch.delenv(variable, raising=False)
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    with stamina.set_testing(True, attempts=3, cap=True):
        yield lambda *words, **environ: CliRunner().invoke(main, words, env=environ)
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture
def environ(settings) -> dict[str, str]:
    return {
        "WISPHUB_NET_HOST": settings.net_host,
        "WISPHUB_NET_KEY": settings.net_key.reveal(),
        "WISPHUB_API_KEYS": f"bot:{KEY}",
    }


def test_serve_refuses_to_start_without_settings_and_names_them(run):
    done = run("serve")
    assert done.exit_code == 1
    assert "WISPHUB_NET_HOST is missing" in done.stderr
    assert "WISPHUB_NET_KEY is missing" in done.stderr
    assert isinstance(done.exception, SystemExit)


def test_serve_refuses_a_real_upstream_without_keys(run):
    done = run("serve", WISPHUB_NET_HOST="https://api.wisphub.net", WISPHUB_NET_KEY="hush")
    assert done.exit_code == 1
    assert "WISPHUB_API_KEYS is missing" in done.stderr
    assert "hush" not in done.output


@pytest.mark.parametrize("workers", [1, 2])
def test_serve_says_when_the_port_is_taken(run, environ, workers):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", f"--port={taken.getsockname()[1]}", f"--workers={workers}", **environ)
    assert done.exit_code == 1
    assert "choose another with --host or --port" in done.stderr


def test_a_system_without_the_signals_is_told_of(run, environ, monkeypatch):
    monkeypatch.delattr(signal, "SIGHUP")
    done = run("serve", "--workers=2", **environ)
    assert done.exit_code == 1
    assert "more than one worker cannot be had on this system" in done.stderr


def test_check_tells_what_it_finds(run, environ):
    done = run("check", **environ)
    assert done.exit_code == 0, done.stderr
    assert "ok      settings: callers need a key" in done.stdout
    assert "ok      one client by its id: found" in done.stdout
    assert re.search(r"ok      internet plans: \d+ read, \d+ with a price", done.stdout)
    assert done.stderr == ""


def test_check_says_what_is_wrong_upstream(run, environ):
    done = run("check", **environ | {"WISPHUB_NET_KEY": "another-key"})
    assert done.exit_code == 1
    assert "FAILED  WispHub Net: WispHub Net does not accept WISPHUB_NET_KEY" in done.stdout
    assert "another-key" not in done.output


def test_check_tries_again_in_silence(run, environ):
    done = run("check", **environ | {"WISPHUB_NET_HOST": "http://127.0.0.1:1"})
    assert (done.exit_code, done.stderr) == (1, "Error: 1 of these failed\n")
    assert len(done.stdout.splitlines()) == 3


def test_openapi_prints_the_description(run):
    description = json.loads(run("openapi").stdout)
    assert "/api/v1/clients/{service_id}/verify" in description["paths"]
