"""The judge is proven: servers and users of known behaviour get the verdict they deserve."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from loadcheck.fixtures.load import LoadTest
from loadcheck.fixtures.session import LoadSession, Options
from loadcheck.judge.scenario import Scenario
from loadcheck.model.objectives import objective
from loadcheck.model.result import ObjectiveMissed, RunInconclusive
from loadcheck.model.workload import Workload
from loadcheck.run.generator import Run
from loadcheck.run.server import Program, Server, asgi

HERE = Path(__file__).parent
Asking = Callable[..., Workload]


@pytest.fixture
def never_void(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge as if the machine had nothing else to do: other tests run beside this one."""
    monkeypatch.setattr("loadcheck.judge.scenario.void_reasons", lambda _: ())


@pytest.mark.usefixtures("never_void")
def test_a_good_server_is_told_from_a_slow_one(
    load_test: LoadTest, small_server: Server, asking: Asking
) -> None:
    run = load_test.play(asking("Good", "Slow"), small_server)
    good = objective("/good", p50_ms=60_000, min_hit_ratio=1, min_rate_per_s=1)
    assert load_test.check(run, good).verdict == "met"
    with pytest.raises(ObjectiveMissed, match=r"missed: [\d,]+ ms \[.*\], promised p50 ≤ 50 ms"):
        load_test.check(run, objective("/slow", p50_ms=50))  # it takes 100
    with pytest.raises(RunInconclusive, match=r"\d+ samples, 368 needed"):
        load_test.check(run, objective("/slow", p99_ms=60_000))


@pytest.mark.usefixtures("never_void")
def test_whatever_goes_wrong_is_missed(load_test: LoadTest, small_server: Server, asking: Asking) -> None:
    kinds = ("Good", "Broken", "Wrong", "Unrecordable", "Raising", "Hanging", "Waiting")
    run = load_test.play(asking(*kinds, users=2 * len(kinds), hold_s=0.6), small_server)
    with pytest.raises(ObjectiveMissed) as caught:
        load_test.check(run, objective("/good", p50_ms=60_000))
    told = str(caught.value)
    assert " x GET /broken: HTTP 500\n" in told
    assert " x GET /wrong: wrong content\n" in told
    assert "a request could not be recorded" in told
    assert " x (user): KeyError in small_users.py:" in told
    assert " x GET /hang: " in told
    assert "2 x (user): no answer by the end of the run" in told
    assert "subscriber" not in told


@pytest.mark.usefixtures("never_void")
def test_a_server_that_dies_is_missed(load_test: LoadTest, asking: Asking, mortal_server: Server) -> None:
    run = load_test.play(asking("Good", "Killer"), mortal_server)
    with pytest.raises(ObjectiveMissed, match="GET /good: ConnectionRefusedError"):
        load_test.check(run)


def test_users_that_leave_early_make_a_run_void_and_a_server_may_go_unseen(
    load_test: LoadTest, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr("loadcheck.run.usage.read_tree", denied)
    run: Run = load_test.play(asking("Leaving"), load_test.serve("small_server:app"))
    found = load_test.judge(run)
    assert "of 8 users 0 were there at the end" in found.void_reasons
    assert found.verdict == "void"
    assert (run.under_test, run.usage) == ("small_server", {})


def test_whatever_is_served_runs_until_the_test_ends(tmp_path: Path) -> None:
    command = (sys.executable, str(HERE / "dropping_server.py"), "{port}")
    session = LoadSession(options=Options(project=HERE, out=tmp_path))
    with ExitStack() as stack:
        load_test = LoadTest(session, Scenario(name="x"), logs=tmp_path, stack=stack)
        app = load_test.serve("small_server:app", SMALL_TOKEN="told")
        plain = load_test.serve(command, NAME="x")
        own = load_test.serve(Program(name="mine", command=command, ready_path="/count"))
        assert isinstance(app, Server)
        assert app.program == asgi("small_server:app", folder=HERE, SMALL_TOKEN="told")
        assert app.answers("/good")
        assert (plain.name, plain.get("/count")) == (Path(sys.executable).name, (200, b"0"))
        assert own.name == "mine"
    assert app.exit_code is not None
