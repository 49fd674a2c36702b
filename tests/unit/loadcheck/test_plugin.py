"""Pytest inside pytest: what people see of the plugin."""

import json
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import psutil
import pytest

from loadcheck.plugin import NO_XDIST, UNJUDGED, asks_for_perf, question, scenario_name
from loadcheck.server import Server

HERE = Path(__file__).parent
NOWHERE = subprocess.DEVNULL
SCENARIO = '''
"""What this file asks."""

import pytest
from loadcheck.judge import claim
from loadcheck.objectives import objective
from loadcheck.samples import Label, Row, Samples

@pytest.fixture(autouse=True)
def never_void(monkeypatch):
    monkeypatch.setattr("loadcheck.outcome.void_reasons", lambda facts: ())

def samples(latencies_ms):
    return Samples.of_rows(
        Row(
            label=Label("GET", "/a", 200), intended_s=number, start_s=number, first_byte_ms=1.0,
            response_ms=ms, done_s=number + ms / 1_000, size=2,
        )
        for number, ms in enumerate(latencies_ms)
    )
'''
ASKS = (
    SCENARIO
    + """
@pytest.mark.perf
def test_answers_at_once(load):
    load.check_samples(samples([1.5]), objective({limits}), claims=(claim("ratio", 30, "≥", 20),))
"""
)
SLEEPER = """
import pathlib, sys
import pytest

@pytest.mark.perf
def test_sleeps(load):
    server = load.serve([sys.executable, "{folder}/dropping_server.py", "{{port}}"])
    pathlib.Path("child.pid").write_text(f"{{server.pid}} ")
    server.wait(600)
"""
SERVES = (
    SCENARIO
    + """
from loadcheck.workload import closed

@pytest.mark.perf
def test_serves(load):
    target = load.serve("{app}")
    run = load.play(closed("small_users.py:Good", users=4, hold_s=0.5), target)
    load.check(run, objective(p50_ms=2_000, min_hit_ratio=1), objective("/good"))
"""
)


@pytest.fixture(autouse=True)
def plain_pytest(pytester: pytest.Pytester) -> None:
    """Inner sessions say what pytest-asyncio would otherwise warn about."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")


@pytest.fixture
def small(pytester: pytest.Pytester) -> None:
    """Put the small server and its users where the inner session's project is."""
    for name in ("small_server.py", "small_users.py"):
        (pytester.path / name).write_text((HERE / name).read_text())


def recorded(folder: Path) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = json.loads((folder / "results.json").read_text())["results"]
    return results


def properties(junit: Path) -> list[list[str | None]]:
    """The names of each attempt's properties."""
    cases = ET.parse(junit).iter("testcase")  # noqa: S314 - written by our own pytest
    return [[each.get("name") for each in case.iter("property")] for case in cases]


@pytest.mark.parametrize(
    ("expression", "asks"),
    [
        ("perf", True),
        ("perf and fast", True),
        ("not perf", False),
        ("not (perf)", False),
        ("fast and not perf", False),
        ("", False),
        ("perfect", False),
    ],
)
def test_only_a_marker_expression_that_names_perf_asks_for_it(expression: str, *, asks: bool) -> None:
    assert asks_for_perf(expression) is asks


def test_a_scenario_is_named_by_file_and_test_once_where_both_are_the_same() -> None:
    assert scenario_name("test_ttl_expiry", "test_ttl_expiry") == "ttl_expiry"
    assert scenario_name("test_load", "test_asks[a]") == "load.asks[a]"


def test_a_question_is_the_first_line_that_was_written() -> None:
    assert question(None, "  ", "\n  Does it answer?\n\nAt length.") == "Does it answer?"
    assert question(None, None) == ""


@pytest.mark.usefixtures("small")
def test_a_load_that_was_not_judged_passes_no_test(pytester: pytest.Pytester) -> None:
    check = '    load.check(run, objective(p50_ms=2_000, min_hit_ratio=1), objective("/good"))\n'
    assert check in SERVES
    pytester.makepyfile(test_one=SERVES.format(app="small_server:app").replace(check, ""))
    result = pytester.runpytest("-m", "perf")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{UNJUDGED}*"])


def test_a_met_objective_passes_and_is_in_the_table(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one=ASKS.format(limits="max_ms=2"))
    result = pytester.runpytest("-m", "perf")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*load tests*",
            "one.answers_at_once*met",
            "*all requests*max ≤ 2 ms*1.5 ms*met",
            "*ratio ≥ 20*30*met",
            "profile short; report: *perf-results/report.html",
        ]
    )


@pytest.mark.parametrize(
    ("limits", "lines"),
    [
        (
            "max_ms=1",
            [
                "*ObjectiveMissed: one.answers_at_once: missed*",
                "*all requests missed: 1.5 ms, promised max ≤ 1 ms",
            ],
        ),
        (
            "p95_ms=8",
            ["*RunInconclusive: one.answers_at_once: inconclusive*", "*(1 samples, 72 needed)"],
        ),
    ],
)
def test_a_bad_verdict_fails_the_test_with_its_figures(
    limits: str, lines: list[str], pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(test_one=ASKS.format(limits=limits))
    result = pytester.runpytest("-m", "perf")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(lines)
    result.stdout.no_fnmatch_line("*insist(*")  # the harness' own frames


@pytest.mark.usefixtures("small")
def test_a_void_run_fails_the_test_as_void_and_is_repeated_where_asked(pytester: pytest.Pytester) -> None:
    body = SERVES.format(app="small_server:app").replace("lambda facts: ()", 'lambda facts: ("always",)')
    pytester.makepyfile(test_one=body)
    result = pytester.runpytest("-m", "perf", "--reruns=1", "--only-rerun=RunVoid", "--junitxml=junit.xml")
    assert result.parseoutcomes() == {"failed": 1, "rerun": 1}
    result.stdout.fnmatch_lines(["*RunVoid: one.serves: void*", "*always*"])
    found = recorded(pytester.path / "perf-results")
    assert [(each["attempt"], each["verdict"]) for each in found] == [(1, "void"), (2, "void")]
    attempts = properties(pytester.path / "junit.xml")
    assert [names.count("verdict") for names in attempts] == [1, 1]


@pytest.mark.usefixtures("small")
def test_an_app_is_served_loaded_and_judged(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one=SERVES.format(app="small_server:app"))
    result = pytester.runpytest("-m", "perf", "--junitxml=junit.xml")
    result.assert_outcomes(passed=1)
    out = pytester.path / "perf-results"
    assert {path.name for path in out.iterdir()} >= {
        "results.json",
        "summary.csv",
        "report.html",
        "one.serves",
    }
    assert (out / "one.serves" / "samples.bin").stat().st_size
    (found,) = recorded(out)
    assert found["question"] == "What this file asks."
    assert list(found["servers"]) == ["small_server"]
    (names,) = properties(pytester.path / "junit.xml")
    assert set(names) >= {"verdict", "requests", "p50_ms", "/good requests"}


@pytest.mark.usefixtures("small")
def test_with_a_target_the_server_there_is_loaded_and_none_started(
    pytester: pytest.Pytester, small_server: Server
) -> None:
    pytester.makepyfile(test_one=SERVES.format(app="nowhere:app"))
    pytester.runpytest("-m", "perf", f"--perf-target={small_server.url}").assert_outcomes(passed=1)
    (found,) = recorded(pytester.path / "perf-results")
    assert found["servers"] == {}
    assert found["judgements"][0]["figures"]["requests"] > 0


def test_results_are_written_where_asked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one=ASKS.format(limits="max_ms=2"))
    pytester.runpytest("-m", "perf", "--perf-results", "found", "--perf-profile", "documented")
    assert '"profile": "documented"' in (pytester.path / "found" / "results.json").read_text()


def test_results_that_cannot_be_written_are_told_in_one_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one=ASKS.format(limits="max_ms=2"))
    (pytester.path / "taken").touch()
    result = pytester.runpytest("-m", "perf", "--perf-results=taken")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["results cannot be written to *taken: File exists"])
    result.stdout.no_fnmatch_line("*Error*mkdir*")


def test_scenarios_of_two_files_do_not_clash(pytester: pytest.Pytester) -> None:
    body = ASKS.format(limits="max_ms=2")
    pytester.makepyfile(test_one=body, test_two=body)
    pytester.runpytest("-m", "perf").assert_outcomes(passed=2)
    out = pytester.path / "perf-results"
    assert [each["folder"] for each in recorded(out)] == ["one.answers_at_once", "two.answers_at_once"]
    assert all((out / each["folder"] / "samples.bin").exists() for each in recorded(out))


def test_a_test_that_breaks_off_is_recorded_as_void(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_one="""
        import pytest

        @pytest.mark.perf
        def test_breaks(load):
            raise RuntimeError("a bug")
        """
    )
    result = pytester.runpytest("-m", "perf")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["one.breaks*void", "*the test broke off: RuntimeError*"])
    (found,) = recorded(pytester.path / "perf-results")
    assert (found["verdict"], found["void_reasons"]) == ("void", ["the test broke off: RuntimeError"])


def test_a_test_that_is_skipped_is_not_recorded(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_one="""
        import pytest

        @pytest.mark.perf
        def test_skips(load):
            pytest.skip("not here")
        """
    )
    pytester.runpytest("-m", "perf").assert_outcomes(skipped=1)
    assert not (pytester.path / "perf-results" / "results.json").exists()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_however_a_session_ends_it_leaves_no_server(
    ending: signal.Signals, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(SLEEPER.format(folder=HERE))
    session = pytester.popen([sys.executable, "-m", "pytest", "-m", "perf"], stdout=NOWHERE, stderr=NOWHERE)
    while not (found := pytester.path / "child.pid").exists() or not found.read_text():
        assert session.poll() is None
    server = psutil.Process(int(found.read_text()))
    session.send_signal(ending)
    expected = -ending if ending == signal.SIGKILL else pytest.ExitCode.INTERRUPTED
    assert session.wait(30) == expected
    assert psutil.wait_procs([server], timeout=10)[1] == []


def test_signals_mean_what_they_did_once_the_session_is_over(pytester: pytest.Pytester) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    pytester.makepyfile(ASKS.format(limits="max_ms=2"))
    pytester.runpytest("-m", "perf").assert_outcomes(passed=1)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before


def test_without_perf_tests_nothing_is_printed_or_written(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_a="def test_a(): pass")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*load tests*")
    assert not (pytester.path / "perf-results").exists()


def test_a_test_that_judges_nothing_writes_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_unused="def test_b(load): pass")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*load tests*")
    assert list((pytester.path / "perf-results").iterdir()) == []


def test_perf_refuses_to_run_under_xdist(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ASKS.format(limits="max_ms=2"))
    result = pytester.runpytest_subprocess("-m", "perf", "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {NO_XDIST}"])


def test_a_perf_test_that_reaches_a_worker_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ASKS.format(limits="max_ms=2"))
    result = pytester.runpytest_subprocess("-n", "1")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*perf tests measure: parallel workers*"])


@pytest.mark.parametrize("expression", ["not perf", "not (perf)"])
def test_other_tests_run_under_xdist(expression: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): pass")
    pytester.runpytest_subprocess("-m", expression, "-n", "1").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--perf-profile", "endless"], "*invalid choice: 'endless'*"),
        (
            ["--perf-remote-workers=2"],
            "ERROR: --perf-remote-workers needs --perf-bind=HOST:PORT, where they come to",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(
    arguments: list[str], told: str, pytester: pytest.Pytester
) -> None:
    result = pytester.runpytest_subprocess(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])


def test_remote_workers_are_welcome_where_they_know_where_to_come(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): pass")
    result = pytester.runpytest("--perf-remote-workers=2", "--perf-bind=127.0.0.1:5557")
    result.assert_outcomes(passed=1)
