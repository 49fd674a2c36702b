import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from loadcheck.run.process import TAIL_CHARACTERS, ChildProcess, ProcessFailed

PARENT = (
    "import subprocess, sys; "
    "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True); "
    "import time; time.sleep(600)"
)


def python(script: str, log: Path) -> ChildProcess:
    return ChildProcess([sys.executable, "-c", script], log=log)


def wait_for_output(process: ChildProcess) -> str:
    while not process.log.read_text():
        assert process.exit_code is None
    return process.log.read_text().strip()


def test_its_environment_and_folder_are_the_given_ones(tmp_path: Path) -> None:
    script = "import os; print(os.environ['NAME'], os.getcwd())"
    command = [sys.executable, "-c", script]
    with ChildProcess(command, log=tmp_path / "log", env={"NAME": "x"}, folder=tmp_path) as child:
        assert child.wait(60) == 0
    assert child.last_output().strip() == f"x {tmp_path}"


def test_a_process_that_hangs_is_named_with_its_output(tmp_path: Path) -> None:
    with python("print('here', flush=True); import time; time.sleep(600)", tmp_path / "log") as child:
        wait_for_output(child)
        with pytest.raises(ProcessFailed, match=r"was still running after 0.01 s; its last output:\nhere"):
            child.wait(0.01)
    assert child.exit_code == -signal.SIGTERM


def test_it_is_waited_for_at_most_so_long(tmp_path: Path) -> None:
    with python("import time; time.sleep(600)", tmp_path / "sleeping") as child:
        assert child.is_running_after(0.01)
    with python("", tmp_path / "ending") as child:
        assert not child.is_running_after(60)
        assert child.exit_code == 0


def test_only_the_end_of_its_output_is_shown(tmp_path: Path) -> None:
    with python("print('x' * 9_000 + 'end')", tmp_path / "log") as child:
        child.wait(60)
    assert child.last_output().strip().endswith("xend")
    assert len(child.last_output()) == TAIL_CHARACTERS


def test_silence_is_said(tmp_path: Path) -> None:
    with python("", tmp_path / "log") as child:
        child.wait(60)
    assert child.describe("ended").endswith("(none)")


def test_its_children_are_stopped_even_when_the_test_fails(tmp_path: Path) -> None:
    def failing_test() -> None:
        with python(PARENT, tmp_path / "log") as child:
            grandchildren.append(psutil.Process(int(wait_for_output(child))))
            raise RuntimeError("the test failed")

    grandchildren: list[psutil.Process] = []
    with pytest.raises(RuntimeError, match="the test failed"):
        failing_test()
    assert psutil.wait_procs(grandchildren, timeout=60)[1] == []


@pytest.mark.parametrize("end", [ChildProcess.stop, ChildProcess.kill])
def test_children_that_left_its_group_are_stopped_too(
    tmp_path: Path, end: Callable[[ChildProcess], None]
) -> None:
    away = PARENT.replace("time.sleep(600)'])", "time.sleep(600)'], start_new_session=True)")
    child = python(away, tmp_path / "log")
    grandchild = psutil.Process(int(wait_for_output(child)))
    end(child)
    assert psutil.wait_procs([grandchild], timeout=60)[1] == []


def test_who_ignores_the_request_to_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadcheck.run.process.STOP_WITHIN_S", 0.01)
    script = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); "
    with python(script + "time.sleep(600)", tmp_path / "log") as child:
        wait_for_output(child)
    assert child.exit_code == -signal.SIGKILL
    child.stop()


def test_the_guardian_hears_of_its_beginning_and_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr("loadcheck.run.process.GUARDIAN._say", heard.append)
    with python("", tmp_path / "log") as child:
        assert heard == [f"+{child.pid}\n"]
    assert heard == [f"+{child.pid}\n", f"-{child.pid}\n"]


def test_the_log_is_appended_to(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("before\n")
    with python("print('after')", tmp_path / "log") as child:
        child.wait(60)
    assert child.last_output().split() == ["before", "after"]
    assert os.getpid() != child.pid
