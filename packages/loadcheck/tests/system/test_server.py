"""A server is started, waited for, watched and stopped."""

import sys
import time
from pathlib import Path

import msgspec
import pytest

from loadcheck.run.process import ProcessFailed
from loadcheck.run.server import Program, Server, serving

HERE = Path(__file__).parent


def python(script: str, within_s: float = 60, ready_path: str = "") -> Program:
    command = (sys.executable, "-c", script, "{port}")
    return Program(name="python", command=command, ready_path=ready_path, ready_within_s=within_s)


def test_an_asgi_app_is_served_by_its_import_string(small_server: Server) -> None:
    assert small_server.name == "small_server"
    assert small_server.get("/good") == (200, b'[{"id":7}]')
    assert small_server.program.env == {"SMALL_TOKEN": "unspoken"}


def test_without_a_path_it_is_ready_once_it_takes_connections(tmp_path: Path) -> None:
    script = (
        "import socket, sys, time; listening = socket.create_server(('127.0.0.1', int(sys.argv[1]))); "
        "print('up', flush=True); time.sleep(600)"
    )
    with serving(python(script), logs=tmp_path) as server:
        assert server.takes_connections()
        server.stop()
        assert not server.takes_connections()


def test_with_a_path_it_is_ready_once_that_answers(small_server: Server, tmp_path: Path) -> None:
    program = msgspec.structs.replace(
        small_server.program, name="ready", ready_path="/broken", ready_within_s=0.1
    )
    with pytest.raises(ProcessFailed, match="/broken"), serving(program, logs=tmp_path):
        raise AssertionError("it must not come up")
    small_server.wait_until_ready("/good", within_s=60)


def test_nobody_answers_after_it_has_stopped(mortal_server: Server) -> None:
    mortal_server.stop()
    assert not mortal_server.answers("/good")
    mortal_server.stop()
    mortal_server.kill()
    assert mortal_server.exit_code is not None


def test_a_port_can_be_taken_again(mortal_server: Server, tmp_path: Path) -> None:
    mortal_server.stop()
    again = msgspec.structs.replace(mortal_server.program, name="again", port=mortal_server.port)
    with serving(again, logs=tmp_path) as server:
        assert server.url == mortal_server.url


def test_its_consumption_is_known(small_server: Server) -> None:
    usage = small_server.usage(0, time.time())
    assert usage.peak_memory_bytes > 1_000_000
    assert usage.peak_open_files >= 3
    assert usage.peak_threads >= 1
    assert small_server.timeline(0, time.time())[-1].memory_bytes > 1_000_000


def test_it_is_asked_how_late_its_loop_wakes_where_it_tells(small_server: Server, tmp_path: Path) -> None:
    told = msgspec.structs.replace(small_server.program, name="told", lag_metric="small_lag_seconds")
    with serving(told, logs=tmp_path) as server:
        while server.usage(0, time.time()).lag_max_ms is None:
            assert server.is_running_after(0.01)
        assert server.usage(0, time.time()).lag_max_ms == pytest.approx(3)
    assert small_server.usage(0, time.time()).lag_max_ms is None


def test_a_server_that_ends_at_once_is_reported_with_its_output(tmp_path: Path) -> None:
    program = python("print('no licence'); raise SystemExit(3)", ready_path="/good")
    with (
        pytest.raises(ProcessFailed, match=r"ended with code 3 before it answered /good[^$]*no licence"),
        serving(program, logs=tmp_path),
    ):
        raise AssertionError("it must not come up")


@pytest.mark.parametrize(("ready_path", "awaited"), [("/good", "/good"), ("", "a connection")])
def test_a_server_that_never_answers_is_reported(ready_path: str, awaited: str, tmp_path: Path) -> None:
    program = python("import time; time.sleep(600)", within_s=0.1, ready_path=ready_path)
    with (
        pytest.raises(ProcessFailed, match=f"did not answer {awaited} within 0.1 s"),
        serving(program, logs=tmp_path),
    ):
        raise AssertionError("it must not come up")


def test_a_failure_shows_no_secret_of_the_command(tmp_path: Path) -> None:
    program = Program(name="api", command=("sleep", "--key", "hush"), ready_within_s=0.1)
    with pytest.raises(ProcessFailed, match=r"sleep --key \*\*\*"), serving(program, logs=tmp_path):
        raise AssertionError("it must not come up")


def test_a_port_on_which_somebody_listens_is_refused(small_server: Server, tmp_path: Path) -> None:
    program = msgspec.structs.replace(small_server.program, name="late", port=small_server.port)
    told = rf"late was not started: port {small_server.port} is taken"
    with pytest.raises(ProcessFailed, match=told), serving(program, logs=tmp_path):
        raise AssertionError("it must not come up")
