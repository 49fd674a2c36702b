"""Pytest inside pytest, in one process: what people see of the plugin. What is played is made up."""

import json
import signal
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadcheck.fixtures.session import LoadSession
from loadcheck.model.samples import Label
from loadcheck.plugin import NO_XDIST, UNJUDGED, asks_for_perf, question, scenario_name
from loadcheck.run.generator import Generator, Run

SCENARIO = '''
"""What this file asks."""

import pytest
from loadcheck import closed, objective
from loadcheck import claim
from loadcheck.model.samples import Label, Row, Samples

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
PLAYS = (
    SCENARIO
    + """
@pytest.mark.perf
def test_plays(load):
    target = load.serve("nowhere:app")
    assert target.url == "http://a.example"
    run = load.play(closed("nobody.py:Nobody", users=8, hold_s=10), target)
    {judge}
"""
)
JUDGED = "load.check(run, objective(p50_ms=10))"
TARGET = "--perf-target=http://a.example"


@pytest.fixture(autouse=True)
def few_plugins(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let inner sessions load what they need: this plugin and those that it gets along with."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\naddopts = -p loadcheck -p xdist -p rerunfailures")


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch, run: Callable[..., Run]) -> dict[str, Any]:
    """How each run goes that the inner session plays: well, but for what a test puts here."""
    differently: dict[str, Any] = {}

    def play(_: Generator, workload: object, target: object, out: Path, watched: object) -> Run:
        del workload, target, watched
        return run((Label("GET", "/a", 200), [5.0] * 400), facts=differently, folder=out)

    monkeypatch.setattr(Generator, "play", play)
    return differently


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


@pytest.mark.usefixtures("facts")
def test_a_load_that_was_not_judged_passes_no_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one=PLAYS.format(judge="assert run"))
    result = pytester.runpytest("-m", "perf", TARGET)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{UNJUDGED}*"])


@pytest.mark.usefixtures("facts")
def test_with_a_target_the_server_there_is_loaded_and_its_figures_are_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one=PLAYS.format(judge=JUDGED))
    pytester.runpytest("-m", "perf", TARGET, "--junitxml=junit.xml").assert_outcomes(passed=1)
    (found,) = recorded(pytester.path / "perf-results")
    assert found["question"] == "What this file asks."
    assert found["judgements"][0]["figures"]["requests"] == 400
    (names,) = properties(pytester.path / "junit.xml")
    assert set(names) >= {"verdict", "requests", "p50_ms"}


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


def test_a_void_run_fails_the_test_as_void_and_is_repeated_where_asked(
    pytester: pytest.Pytester, facts: dict[str, Any]
) -> None:
    facts["cpu_share"] = 0.9
    pytester.makepyfile(test_one=PLAYS.format(judge=JUDGED))
    repeated = ("--reruns=1", "--only-rerun=RunVoid")
    result = pytester.runpytest("-m", "perf", TARGET, *repeated, "--junitxml=junit.xml")
    assert result.parseoutcomes() == {"failed": 1, "rerun": 1}
    result.stdout.fnmatch_lines(["*RunVoid: one.plays: void*", "*short of CPU*"])
    found = recorded(pytester.path / "perf-results")
    assert [(each["attempt"], each["verdict"]) for each in found] == [(1, "void"), (2, "void")]
    attempts = properties(pytester.path / "junit.xml")
    assert [names.count("verdict") for names in attempts] == [1, 1]


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


def test_signals_that_end_a_session_do_as_ctrl_c_does_until_it_is_over(pytester: pytest.Pytester) -> None:
    ending = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in ending]
    pytester.makepyfile(
        """
        import signal
        import pytest

        @pytest.mark.perf
        def test_signals(load):
            for number in (signal.SIGTERM, signal.SIGHUP):
                assert signal.getsignal(number) is signal.default_int_handler
        """
    )
    pytester.runpytest("-m", "perf").assert_outcomes(passed=1)
    assert [signal.getsignal(number) for number in ending] == before


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
    result = pytester.runpytest("-m", "perf", "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {NO_XDIST}"])


def test_a_perf_test_that_reaches_a_worker_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ASKS.format(limits="max_ms=2"))
    pytester.makeconftest("def pytest_collection_finish(session): session.config.workerinput = {}")
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*perf tests measure: parallel workers*"])


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
    result = pytester.runpytest(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])


def test_remote_workers_are_welcome_where_they_know_where_to_come(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): pass")
    result = pytester.runpytest("--perf-remote-workers=2", "--perf-bind=127.0.0.1:5557")
    result.assert_outcomes(passed=1)


HOOKS = """
import fcntl
import os
import signal

import pytest
from loadcheck.fixtures.session import LoadSession

written = LoadSession.write

def write(session):
    {meanwhile}
    written(session)

LoadSession.write = write

def state(config):
    # Is the folder locked, and does SIGTERM end the session?
    folder = os.open(config.invocation_params.dir / "perf-results", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_locked = False
    except BlockingIOError:
        is_locked = True
    os.close(folder)
    return is_locked, signal.getsignal(signal.SIGTERM) is signal.default_int_handler

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    print("before:", state(session.config))
    yield
    print("after:", state(session.config))
"""


@pytest.fixture
def hooks(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.setattr(
        LoadSession, "write", LoadSession.write
    )  # the inner session's change ends with the test

    def hooks(meanwhile: str) -> None:
        pytester.makeconftest(HOOKS.format(meanwhile=meanwhile))
        pytester.makepyfile(ASKS.format(limits="max_ms=10"))

    return hooks


def test_the_folder_is_locked_and_signals_end_the_session_until_its_results_are_written(pytester, hooks):
    hooks("")
    result = pytester.runpytest_inprocess("-m", "perf", "-s")
    result.stdout.fnmatch_lines(["*before: (True, True)", "*after: (False, False)"])


def test_a_signal_that_comes_while_results_are_written_ends_the_session_afterwards(pytester, hooks):
    hooks("signal.raise_signal(signal.SIGTERM)")
    result = pytester.runpytest_inprocess("-m", "perf")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert recorded(pytester.path / "perf-results")[0]["scenario"]
