"""Nothing outlives whoever started it, however that ends."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from loadcheck.run.guardian import Guardian, guard

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
OWNER = """
import sys, time
from pathlib import Path
from loadcheck.run.guardian import GUARDIAN
from loadcheck.run.process import ChildProcess

parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
ended = ChildProcess([sys.executable, "-c", "pass"], log=Path(sys.argv[1]) / "ended.log")
ended.wait(60)
ended.stop()
child = ChildProcess([sys.executable, "-c", parent], log=Path(sys.argv[1]) / "child.log")
print(child.pid, GUARDIAN._process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(SLEEPER, start_new_session=True, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def with_children(pid: int) -> list[psutil.Process]:
    """A process and its child, once it has one."""
    process = psutil.Process(pid)
    while not (children := process.children()):
        assert process.is_running()
    return [process, *children]


def test_what_a_killed_test_started_ends_and_so_does_the_guardian(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as owner:
        assert owner.stdout
        child, guardian = map(int, owner.stdout.readline().split())
        left = [*with_children(child), psutil.Process(guardian)]
        os.killpg(owner.pid, signal.SIGKILL)
        owner.wait()
    assert len(left) == 3
    assert psutil.wait_procs(left, timeout=60)[1] == []


def test_the_groups_that_are_left_are_killed_when_the_owner_has_gone(sleeper: subprocess.Popen[str]) -> None:
    guard(io.StringIO(f"+{sleeper.pid}\n"))
    assert sleeper.wait(60) == -signal.SIGKILL


def test_a_group_that_is_no_more_is_no_error(sleeper: subprocess.Popen[str]) -> None:
    sleeper.kill()
    sleeper.wait()
    guard(io.StringIO(f"+{sleeper.pid}\n"))


def test_the_guardian_leaves_with_its_owner(sleeper: subprocess.Popen[str]) -> None:
    guardian = Guardian()
    guardian.watch(sleeper.pid)
    process = guardian._process
    assert process
    assert process.poll() is None
    guardian.leave()
    assert process.returncode == 0
    assert sleeper.wait(60) == -signal.SIGKILL


def test_who_has_ended_is_not_killed_when_the_owner_leaves(sleeper: subprocess.Popen[str]) -> None:
    guardian = Guardian()
    guardian.watch(sleeper.pid)
    guardian.forget(sleeper.pid)
    guardian.leave()
    assert sleeper.poll() is None


def test_a_guardian_that_was_killed_troubles_nobody(sleeper: subprocess.Popen[str]) -> None:
    guardian = Guardian()
    guardian.watch(sleeper.pid)
    assert guardian._process
    guardian._process.kill()
    guardian._process.wait()
    guardian.watch(sleeper.pid)
    guardian.forget(sleeper.pid)


def test_a_copy_of_the_process_has_a_guardian_of_its_own(
    sleeper: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    guardian = Guardian()
    guardian.watch(sleeper.pid)
    first = guardian._process
    assert first
    guardian.forget(sleeper.pid)
    monkeypatch.setattr(guardian, "_owner", 1)  # as after a fork: its owner is another process
    guardian.leave()
    assert first.poll() is None
    guardian.watch(sleeper.pid)
    assert guardian._process is not first
    first.communicate()
    guardian.leave()
