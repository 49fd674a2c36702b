"""Pytest inside pytest: a server is started, loaded and judged, and whatever happens none is left."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from loadcheck.plugin import NO_XDIST

HERE = Path(__file__).parent
NOWHERE = subprocess.DEVNULL
SERVES = '''
"""What this file asks."""

import pytest
from loadcheck import closed, objective

@pytest.fixture(autouse=True)
def never_void(monkeypatch):
    monkeypatch.setattr("loadcheck.judge.scenario.void_reasons", lambda facts: ())

@pytest.mark.perf
def test_serves(load):
    target = load.serve("small_server:app")
    run = load.play(closed("small_users.py:Good", users=4, hold_s=0.5), target)
    load.check(run, objective(p50_ms=60_000, min_hit_ratio=1), objective("/good"))
'''
SLEEPER = """
import pathlib, sys
import pytest

@pytest.mark.perf
def test_sleeps(load):
    server = load.serve([sys.executable, "{folder}/dropping_server.py", "{{port}}"])
    pathlib.Path("child.part").write_text(str(server.pid))
    pathlib.Path("child.part").rename("child.pid")
    server.wait(600)
"""


@pytest.fixture(autouse=True)
def few_plugins(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let inner sessions load what they need: this plugin and those that it gets along with."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\naddopts = -p loadcheck -p xdist -p rerunfailures")


@pytest.mark.smoke
def test_an_app_is_served_loaded_judged_and_reported(pytester: pytest.Pytester) -> None:
    for name in ("small_server.py", "small_users.py"):
        (pytester.path / name).write_text((HERE / name).read_text())
    pytester.makepyfile(test_one=SERVES)
    pytester.runpytest("-m", "perf").assert_outcomes(passed=1)
    out = pytester.path / "perf-results"
    assert {"summary.csv", "report.html", "one.serves"} <= {path.name for path in out.iterdir()}
    assert (out / "one.serves" / "samples.bin").stat().st_size
    (found,) = json.loads((out / "results.json").read_text())["results"]
    assert list(found["servers"]) == ["small_server"]
    assert found["verdict"] == "met"


@pytest.mark.parametrize(
    "ending", [pytest.param(signal.SIGTERM, marks=pytest.mark.smoke), signal.SIGINT, signal.SIGKILL]
)
def test_however_a_session_ends_it_leaves_no_server(
    ending: signal.Signals, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(SLEEPER.format(folder=HERE))
    session = pytester.popen([sys.executable, "-m", "pytest", "-m", "perf"], stdout=NOWHERE, stderr=NOWHERE)
    while not (found := pytester.path / "child.pid").exists():
        with pytest.raises(subprocess.TimeoutExpired):
            session.wait(0.05)
    server = psutil.Process(int(found.read_text()))
    session.send_signal(ending)
    expected = -ending if ending == signal.SIGKILL else pytest.ExitCode.INTERRUPTED
    assert session.wait(60) == expected
    assert psutil.wait_procs([server], timeout=60)[1] == []


def test_under_xdist_perf_tests_fail_and_others_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.perf
        def test_perf(load): pass

        def test_other(): pass
        """
    )
    result = pytester.runpytest_subprocess("-n", "1")
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines([f"*{NO_XDIST[:30]}*"])
