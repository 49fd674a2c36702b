import sys
import time
from pathlib import Path

import msgspec
import pytest

from loadcheck.process import ProcessFailed
from loadcheck.server import Program, Server, free_port, serving


def python(script: str, within_s: float = 30) -> Program:
    command = (sys.executable, "-c", script)
    return Program(name="python", command=command, ready_path="/", ready_within_s=within_s)


def test_it_answers_once_it_is_ready(small_server: Server) -> None:
    assert small_server.get("/good") == (200, b'[{"id":7}]')
    assert small_server.answers("/good")
    assert not small_server.answers("/broken")


def test_nobody_answers_after_it_has_stopped(small_server: Server) -> None:
    small_server.stop()
    assert not small_server.answers("/good")
    small_server.stop()


def test_a_port_can_be_taken_again(small_server: Server, tmp_path: Path) -> None:
    small_server.stop()
    again = Program(
        name="again", command=small_server.program.command, ready_path="/good", port=small_server.port
    )
    with serving(again, logs=tmp_path) as server:
        assert server.url == small_server.url


def test_its_consumption_is_known(small_server: Server) -> None:
    usage = small_server.usage(0, time.time())
    assert usage.peak_memory_bytes > 1_000_000
    assert usage.peak_open_files >= 3


def test_a_server_that_ends_at_once_is_reported_with_its_output(tmp_path: Path) -> None:
    with (
        pytest.raises(ProcessFailed, match=r"ended with code 3 before / answered[^$]*no licence"),
        serving(python("print('no licence'); raise SystemExit(3)"), logs=tmp_path),
    ):
        raise AssertionError("it must not come up")


def test_a_server_that_never_answers_is_reported(tmp_path: Path) -> None:
    with (
        pytest.raises(ProcessFailed, match="did not answer / within 0 s"),
        serving(python("import time; time.sleep(600)", within_s=0.1), logs=tmp_path),
    ):
        raise AssertionError("it must not come up")


def test_its_settings_are_shown_without_secrets() -> None:
    program = Program(
        name="api",
        command=("/opt/someone/serve", "--port", "{port}", "--key", "demo", "--token=demo", "--last"),
        ready_path="/",
        env={"API_KEYS": "bot:1", "TTL": "5"},
    )
    assert program.settings() == {
        "command": "serve --port {port} --key *** --token=*** --last",
        "API_KEYS": "***",
        "TTL": "5",
    }


def test_a_port_on_which_somebody_listens_is_refused(small_server: Server, tmp_path: Path) -> None:
    program = msgspec.structs.replace(small_server.program, name="late", port=small_server.port)
    with pytest.raises(ProcessFailed, match="is taken"), serving(program, logs=tmp_path):
        raise AssertionError("it must not come up")


def test_a_server_that_has_stopped_is_not_stopped_again(small_server: Server) -> None:
    small_server.stop()
    small_server.stop()
    small_server.kill()
    assert small_server.exit_code is not None


def test_a_failure_shows_no_secret_of_the_command(small_server: Server) -> None:
    small_server.program = msgspec.structs.replace(small_server.program, command=("run", "--key", "hush"))
    assert "run --key *** failed" in small_server.describe("failed")


def test_free_ports_differ() -> None:
    assert free_port() != free_port()
