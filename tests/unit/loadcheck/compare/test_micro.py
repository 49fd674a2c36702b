"""A tiny project with a history, its benchmarks in real processes; what is slower takes thrice as long."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import msgspec
import psutil
import pytest

from loadcheck import cli_micro
from loadcheck.cli import main
from loadcheck.compare import micro
from loadcheck.compare.base import check_out, head
from loadcheck.compare.decide import Rules
from loadcheck.compare.micro import MicroOutcome, compare
from loadcheck.compare.micro_round import MicroFailed, Plan, Ran, Round
from loadcheck.process import ProcessFailed

CODE = "def work():\n    return sum(range({size}))\n"
SETTINGS = """
[tool.pytest.ini_options]
addopts = ["-p", "no:locust", "-p", "no:schemathesis", "-p", "no:benchmark"]
"""
BENCHMARKS = """
import tiny

def test_same(benchmark):
    benchmark(sum, range(20_000))

def test_work(benchmark):
    benchmark(tiny.work)
"""
NEW_MODULE = """
import fresh, tiny

def test_new_module(benchmark):
    benchmark(tiny.work)
"""
NEW_ANSWER = """
import tiny

def test_new_answer(benchmark):
    assert benchmark(tiny.work) == sum(range(60_000))
"""
FAILING_LATER = """
import pathlib

def test_failing_later(benchmark):
    benchmark(sum, range(10))
    runs = pathlib.Path({runs!r})
    runs.write_text((runs.read_text() if runs.exists() else "") + "x")
    assert runs.read_text() in ("x", "xx")
"""
HANGING = """
import os, pathlib, time

def test_hanging(benchmark):
    pathlib.Path({pid!r}).write_text(str(os.getpid()))
    time.sleep(60)
"""
COARSE = Rules(margin=1.0, alpha=0.001, beta=0.1, alike={})
"""Not slower is what surely takes less than twice as long; false alarms are so rare that no test sees one."""
FEWEST = 4
LIMIT_S = 80
"""Far more than is needed where nothing else runs."""


class Project:
    """A repository in which each test makes its commits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet")
        self.base = self.commit(
            {
                "pyproject.toml": SETTINGS,
                "src/tiny.py": CODE.format(size=20_000),
                "bench/test_tiny.py": BENCHMARKS,
            }
        )

    def commit(self, files: dict[str, str]) -> str:
        """Write files, and return the commit that has them."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", ".")
        self.git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "--message=x")
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def plan(self, logs: Path, *, limit_s: float = LIMIT_S) -> Plan:
        return Plan(
            project=self.folder,
            base=check_out(self.folder, self.base),
            base_name="before",
            head=head(self.folder),
            paths=("bench",),
            out=logs / "out",
            logs=logs,
            rules=COARSE,
            limit_s=limit_s,
            fewest=FEWEST,
        )


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """pytest-benchmark measures nothing in a worker of pytest-xdist; what a test starts is none."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def call(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Call the command in a project's folder; get its exit code and what it says."""

    def run(project: Project, *arguments: str, fewest: int = FEWEST) -> tuple[int, str, str]:
        monkeypatch.chdir(project.folder)
        monkeypatch.setattr(cli_micro, "RULES", COARSE)
        monkeypatch.setattr(cli_micro, "Plan", partial(Plan, fewest=fewest))
        with pytest.raises(SystemExit) as end:
            main(["micro", "--margin=100", f"--limit-s={LIMIT_S}", *arguments])
        assert isinstance(end.value.code, int)
        return end.value.code, *capsys.readouterr()

    return run


def test_slower_code_is_found_and_what_base_cannot_run_is_left_out(call, project, monkeypatch):
    """Head's code is importable everywhere, as that of an installed project is; base does not see it."""
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(project.folder / "src"), os.environ.get("PYTHONPATH", "")])
    )
    commit = project.commit(
        {
            "src/tiny.py": CODE.format(size=60_000),
            "src/fresh.py": "",
            "bench/test_new_module.py": NEW_MODULE,
            "bench/test_new_answer.py": NEW_ANSWER,
        }
    )

    code, told, _ = call(project, "--base", project.base, "bench")

    assert code == 1
    outcome = msgspec.json.decode(
        (project.folder / "perf-results/micro.json").read_bytes(), type=MicroOutcome
    )
    verdicts = {figure.endpoint: figure.verdict for figure in outcome.figures}
    assert (outcome.base, outcome.head, outcome.verdict) == (project.base, commit, "slower")
    assert verdicts["bench/test_tiny.py::test_work"] == "slower"
    assert verdicts["bench/test_tiny.py::test_same"] != "slower"
    assert len(outcome.ratios["bench/test_tiny.py::test_work"]) == outcome.rounds
    assert outcome.left_out["bench/test_new_module.py::test_new_module"] == (
        "base cannot run it: ModuleNotFoundError: No module named 'fresh' in this commit"
    )
    assert "base cannot run it: assert 199990000 ==" in told
    assert_can_be_compared(project, commit)


def assert_can_be_compared(project: Project, commit: str) -> None:
    """`pytest-benchmark compare` shows both commits' figures."""
    command = [sys.executable, "-m", "pytest_benchmark", "--storage=perf-results/bench", "compare"]
    done = subprocess.run(command, cwd=project.folder, check=True, capture_output=True, text=True)
    for name in (f"0001_{commit[:7]}", f"0002_{project.base[:7]}"):
        assert f"test_work ({name})" in done.stdout


def test_equal_code_is_not_slower(project, tmp_path):
    outcome = compare(project.plan(tmp_path)).outcome

    assert outcome.verdict == "not slower"
    assert [figure.verdict for figure in outcome.figures] == ["not slower", "not slower"]
    assert outcome.left_out == {}
    assert_order_changes(tmp_path)


def assert_order_changes(logs: Path) -> None:
    """Base comes first in some of the rounds that are judged, head in others."""

    def ended(side: str) -> list[int]:
        return [path.stat().st_mtime_ns for path in sorted(logs.glob(f"[1-9]-{side}/benchmark.json"))]

    firsts = [base < head for base, head in zip(ended("base"), ended("head"), strict=True)]
    assert set(firsts) == {True, False}


def test_a_broken_base_is_told(project, tmp_path):
    project.base = project.commit({"src/tiny.py": "def work(:"})
    project.commit({"src/tiny.py": CODE.format(size=20_000)})

    with pytest.raises(MicroFailed, match=r"base \(\w{12}\) runs none .* SyntaxError: invalid syntax"):
        compare(project.plan(tmp_path))


def test_a_base_whose_benchmarks_fail_after_all_is_told(project, tmp_path):
    project.commit({"src/tiny.py": CODE.format(size=60_000), "bench/test_tiny.py": NEW_ANSWER})

    with pytest.raises(
        MicroFailed, match=r"base runs none of them: .*test_new_answer: base cannot run it: assert"
    ):
        compare(project.plan(tmp_path))


def test_a_head_that_cannot_run_at_all_is_told(project, tmp_path):
    project.commit({"bench/conftest.py": "import fresh"})

    with pytest.raises(MicroFailed, match=r"(?s)head .* runs none .*No module named 'fresh'"):
        compare(project.plan(tmp_path))


def test_a_benchmark_that_fails_on_head_makes_it_void(call, project):
    project.commit({"bench/test_new_answer.py": NEW_ANSWER})
    of_an_earlier_run = project.folder / "perf-results/micro.json"
    of_an_earlier_run.parent.mkdir(parents=True, exist_ok=True)
    of_an_earlier_run.touch()

    code, _, told = call(project, "--base", project.base, "bench")

    assert code == 3
    assert not of_an_earlier_run.exists()
    assert told.startswith(
        "void: 1 failed on head: bench/test_new_answer.py::test_new_answer: assert 199990000"
    )


def test_a_benchmark_that_fails_on_head_but_later_makes_it_void_too(call, project, tmp_path):
    project.commit({"bench/test_tiny.py": FAILING_LATER.format(runs=str(tmp_path / "runs"))})

    code, _, told = call(project, "--base", project.base, "bench")

    assert code == 3
    assert "1 failed on head: bench/test_tiny.py::test_failing_later: " in told


@pytest.mark.parametrize(("round_s", "rounds"), [(10, 9), (15, 6), (30, 4)])
def test_what_cannot_be_told_in_time_is_inconclusive(project, tmp_path, monkeypatch, round_s, rounds):
    """Clock and figures are made up: after 10 s for the first round, others begin for 80 s more."""
    now = 0.0

    def took(seconds: float, ratio: float) -> Round:
        nonlocal now
        now += seconds
        return {"base": measured(1.0), "head": measured(ratio)}

    monkeypatch.setattr(micro, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(micro, "run_side", lambda _plan, side, _folder: took(5, 1)[side.name])
    monkeypatch.setattr(
        micro, "play_round", lambda _plan, number, _order: took(round_s, 3 if number % 2 else 0.3)
    )

    outcome = compare(project.plan(tmp_path, limit_s=100)).outcome

    assert (outcome.verdict, outcome.rounds, outcome.rules.looks) == ("inconclusive", rounds, 3)


def measured(seconds: float) -> Ran:
    return Ran({"benchmarks": [{"fullname": "test_work", "stats": {"median": seconds}}]}, {})


def test_a_limit_that_is_too_short_is_told(call, project):
    code, _, told = call(project, "--base", project.base, "bench", fewest=1_000)

    assert code == 3
    assert "at least 1000 are needed: allow" in told


def test_a_benchmark_that_hangs_is_ended_at_the_limit(project, tmp_path):
    project.commit({"bench/test_tiny.py": HANGING.format(pid=str(tmp_path / "pid"))})

    with pytest.raises(ProcessFailed, match="was still running after 2 s"):
        compare(project.plan(tmp_path, limit_s=2))

    assert not [one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in str(one.info["cmdline"])]


def test_ctrl_c_ends_the_processes(project, tmp_path):
    pid = tmp_path / "pid"
    project.commit({"bench/test_tiny.py": HANGING.format(pid=str(pid))})
    code = "from loadcheck.cli import main; main()"
    command = [sys.executable, "-c", code, "micro", f"--base={project.base}", "bench"]
    with subprocess.Popen(command, cwd=project.folder, start_new_session=True) as process:
        while not pid.exists() or not pid.read_text():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)

    assert process.returncode == 130
    assert not psutil.pid_exists(int(pid.read_text()))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--base", "HEAD", "nowhere"), "there is no nowhere here"),
        (("--base", "nothing", "bench"), "'nothing' is no revision of this repository"),
        (("bench",), "Missing option '--base'"),
    ],
)
def test_a_wrong_call_is_told(call, project, arguments, complaint):
    code, _, told = call(project, *arguments)

    assert code == 64
    assert complaint in told
