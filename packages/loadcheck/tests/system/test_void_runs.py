"""A run in which the load generator or the machine got in the way is void, every time, and says why."""

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from loadcheck import Workload, arriving, closed, objective
from loadcheck.fixtures.load import LoadTest
from loadcheck.model.result import RunVoid
from loadcheck.run.target import Target

PROMISE = objective(p95_ms=1)


@pytest.fixture
def busy_cores() -> Iterator[None]:
    """Programs of somebody else's that keep half of the machine busy."""
    command = [sys.executable, "-c", "while True: pass"]
    programs = [subprocess.Popen(command) for _ in range((psutil.cpu_count() or 1) // 2 + 1)]
    yield
    for program in programs:
        program.kill()
        program.wait()


@pytest.mark.parametrize(
    "workload",
    [
        closed("small_users.py:Flooding", users=64, hold_s=1),
        closed("small_users.py:Starving", users=8, hold_s=1),
        arriving("small_users.py:Good", rate_per_s=20_000, hold_s=1, network_timeout_s=1),
    ],
    ids=["flooding", "starving", "open"],
)
def test_a_generator_asked_for_more_than_it_can_send_is_void(
    load_test: LoadTest, small_server: Target, workload: Workload
) -> None:
    run = load_test.play(workload, small_server)
    with pytest.raises(RunVoid, match=r"the load generator (was short of CPU|lagged)"):
        load_test.check(run, PROMISE)


@pytest.mark.usefixtures("busy_cores")
def test_a_busy_core_beside_it_is_void(load_test: LoadTest, small_server: Target) -> None:
    run = load_test.play(closed("small_users.py:Good", users=8, hold_s=1), small_server)
    with pytest.raises(RunVoid, match=r"something else kept [\d.]+ of \d+ cores busy"):
        load_test.check(run, PROMISE)
