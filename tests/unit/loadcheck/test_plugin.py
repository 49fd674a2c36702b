import csv
import subprocess
import sys

import psutil
import pytest

from loadcheck.plugin import NO_XDIST, asks_for_perf

SCENARIO = """
import pytest
from loadcheck.objectives import Objective, claim
from loadcheck.samples import Label, Samples

@pytest.mark.perf
def test_answers_at_once(load):
    samples = Samples((Label("GET", "/a", 200),), [0.0], [0.0], [1.5], [2], [0])
    load.check_samples(samples, Objective(max_ms={limit_ms}), claims=(claim("ratio", 30, "≥", 20),))
"""


NOWHERE = subprocess.DEVNULL
SLEEPER = """
import pathlib, sys
import pytest
from loadcheck.process import ChildProcess

@pytest.mark.perf
def test_sleeps(load, tmp_path):
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    with ChildProcess(command, log=tmp_path / "log") as child:
        pathlib.Path("child.pid").write_text(str(child.pid))
        child.wait(600)
"""


@pytest.fixture(autouse=True)
def plain_pytest(pytester: pytest.Pytester) -> None:
    """Inner sessions say what pytest-asyncio would otherwise warn about."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")


@pytest.mark.parametrize(
    ("expression", "asks"),
    [("perf", True), ("perf and fast", True), ("not perf", False), ("", False), ("perfect", False)],
)
def test_only_a_marker_expression_that_names_perf_asks_for_it(expression: str, *, asks: bool) -> None:
    assert asks_for_perf(expression) is asks


def test_a_met_objective_passes_and_is_in_the_table(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SCENARIO.format(limit_ms=2))
    result = pytester.runpytest("-m", "perf")
    result.assert_outcomes(passed=1)
    table = ["*load tests*", "answers_at_once*met", "  all requests*1.50*max ≤ 2 ms*met", "  ratio: 30*met"]
    result.stdout.fnmatch_lines(table)


def test_a_missed_objective_fails_with_its_figures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SCENARIO.format(limit_ms=1))
    result = pytester.runpytest("-m", "perf")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*ObjectiveMissed: answers_at_once: missed*", "*missed: 1.5 ms, promised max ≤ 1 ms"]
    )


def test_results_are_written_where_asked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SCENARIO.format(limit_ms=2))
    pytester.runpytest("-m", "perf", "--perf-results", "found", "--perf-profile", "documented")
    found = pytester.path / "found"
    assert '"profile": "documented"' in (found / "results.json").read_text()
    (line,) = csv.DictReader((found / "summary.csv").read_text().splitlines())
    assert (line["scenario"], line["p95_ms"], line["verdict"]) == ("answers_at_once", "1.5", "met")
    assert (found / "answers_at_once" / "samples.csv").exists()


def test_a_cancelled_job_leaves_no_process_behind(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SLEEPER)
    session = pytester.popen([sys.executable, "-m", "pytest", "-m", "perf"], stdout=NOWHERE, stderr=NOWHERE)
    while not (found := pytester.path / "child.pid").exists() or not found.read_text():
        assert session.poll() is None
    child = psutil.Process(int(found.read_text()))
    session.terminate()
    assert session.wait(30) == pytest.ExitCode.INTERRUPTED
    assert psutil.wait_procs([child], timeout=5)[1] == []


def test_without_perf_tests_nothing_is_printed_or_written(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_a="def test_a(): pass", test_unused="def test_b(load): pass")
    result = pytester.runpytest()
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*load tests*")
    assert not (pytester.path / "perf-results").exists()


def test_perf_refuses_to_run_under_xdist(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SCENARIO.format(limit_ms=2))
    result = pytester.runpytest_subprocess("-m", "perf", "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {NO_XDIST}"])


def test_a_perf_test_that_reaches_a_worker_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SCENARIO.format(limit_ms=2))
    result = pytester.runpytest_subprocess("-n", "1")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*perf tests measure: parallel workers*"])


def test_other_tests_run_under_xdist(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): pass")
    pytester.runpytest_subprocess("-m", "not perf", "-n", "1").assert_outcomes(passed=1)


def test_only_profiles_that_work_are_offered(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--perf-profile", "endless")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
