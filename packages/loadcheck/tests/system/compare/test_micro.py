"""Benchmarks of a tiny project in real processes: what they run and tell, not how long it takes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from packages.loadcheck.tests.system.compare.conftest import Project
from packages.loadcheck.tests.system.compare.small import benchmarks
from packages.loadcheck.tests.unit.compare.micro.test_benchmarks import MadeUp

from loadcheck.cli import main
from loadcheck.compare.base import check_out, head
from loadcheck.compare.comparison import BASE, HEAD
from loadcheck.compare.micro.benchmarks import MicroComparison, left_out, measured
from loadcheck.compare.micro.commands import compare_and_print, keep, of_this_machine
from loadcheck.compare.micro.round import MicroFailed, MicroPlan, MicroRound, run_side
from loadcheck.run.process import ProcessFailed

TINY = "bench/test_tiny.py"
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
HANGING = """
import os, pathlib, time

def test_hanging(benchmark):
    pathlib.Path({pid!r}).write_text(str(os.getpid()))
    time.sleep(600)
"""


def plan_of(project: Project, place: Path, **settings) -> MicroPlan:
    """Compare what lies there with the first commit."""
    first = project.git("rev-list", "--max-parents=0", "HEAD")
    return MicroPlan(
        project=project.folder,
        base=check_out(project.folder, first),
        base_name="before",
        head=head(project.folder),
        paths=("bench",),
        out=place / "out",
        logs=place / "logs",
        **settings,
    )


@pytest.fixture(scope="module", autouse=True)
def plain() -> Iterator[None]:
    """Let what is started be plain pytest: pytest-benchmark measures nothing in a worker of pytest-xdist."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_XDIST_WORKER", raising=False)
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        yield


@pytest.fixture
def tiny(repository: Project) -> Project:
    repository.commit(benchmarks())
    return repository


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> tuple[MicroPlan, MicroRound]:
    """Run both sides once. Head's code is importable everywhere, as that of an installed project is."""
    place = tmp_path_factory.mktemp("micro")
    project = Project(place / "project")
    project.commit(benchmarks())
    new = {"bench/test_new_module.py": NEW_MODULE, "bench/test_new_answer.py": NEW_ANSWER}
    project.commit({**benchmarks(60_000), "src/fresh.py": "", **new})
    plan = plan_of(project, place)
    with pytest.MonkeyPatch.context() as patch:
        source = str(project.folder / "src")
        patch.setenv("PYTHONPATH", os.pathsep.join([source, os.environ.get("PYTHONPATH", "")]))
        return plan, {side.name: run_side(plan, side, place / side.name) for side in (plan.head, plan.base)}


def test_both_sides_measure_head_s_benchmarks_each_with_its_own_code(ran):
    _, found = ran
    assert set(measured([found])) == {f"{TINY}::test_same", f"{TINY}::test_work"}
    assert all(seconds > 0 for side in found.values() for seconds in side.seconds.values())
    assert len(found[HEAD].seconds) == 4


def test_what_base_cannot_run_is_left_out_with_the_reason(ran):
    """Of head's code base sees nothing."""
    _, found = ran
    why = left_out([found])
    assert why["bench/test_new_module.py::test_new_module"] == (
        "base cannot run it: ModuleNotFoundError: No module named 'fresh' in this commit"
    )
    assert why["bench/test_new_answer.py::test_new_answer"].startswith(
        "base cannot run it: assert 199990000 =="
    )


def test_what_is_kept_can_be_compared_by_pytest_benchmark(ran):
    plan, found = ran
    for side in (HEAD, BASE):
        keep(of_this_machine(plan.storage), [found[side]])
    command = [sys.executable, "-m", "pytest_benchmark", f"--storage={plan.storage}", "compare"]
    done = subprocess.run(command, cwd=plan.project, check=True, capture_output=True, text=True)
    for name in (f"0001_{plan.head.commit[:7]}", f"0002_{plan.base.commit[:7]}"):
        assert f"test_work ({name})" in done.stdout


def test_a_broken_base_is_told(repository, tmp_path):
    repository.commit({**benchmarks(), "src/tiny.py": "def work(:"})
    repository.commit(benchmarks())
    plan = plan_of(repository, tmp_path)
    with pytest.raises(MicroFailed, match=r"base \(\w{12}\) runs none .* SyntaxError: invalid syntax"):
        run_side(plan, plan.base, tmp_path)


def test_a_head_that_cannot_run_at_all_is_told(tiny, tmp_path):
    tiny.commit({"bench/conftest.py": "import fresh"})
    plan = plan_of(tiny, tmp_path)
    with pytest.raises(MicroFailed, match=r"(?s)head .* runs none .*No module named 'fresh'"):
        run_side(plan, plan.head, tmp_path)


def test_a_benchmark_that_hangs_is_ended_at_the_limit(tiny, tmp_path):
    tiny.commit({TINY: HANGING.format(pid=str(tmp_path / "pid"))})
    plan = plan_of(tiny, tmp_path, limit_s=2)
    with pytest.raises(ProcessFailed, match="was still running after 2 s"):
        run_side(plan, plan.head, tmp_path)
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in str(one.info["cmdline"])]


@pytest.fixture
def call(monkeypatch, capsys):
    """Call the command in a project's folder; get its exit code and what it says."""

    def run(project: Project, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.chdir(project.folder)
        with pytest.raises(SystemExit) as end:
            main(["micro", *arguments])
        assert isinstance(end.value.code, int)
        return end.value.code, *capsys.readouterr()

    return run


@pytest.mark.smoke
def test_a_benchmark_that_fails_on_head_makes_it_void(call, tiny):
    tiny.commit({"bench/test_new_answer.py": NEW_ANSWER})
    of_an_earlier_run = tiny.folder / "perf-results/micro.json"
    of_an_earlier_run.parent.mkdir(parents=True)
    of_an_earlier_run.touch()
    code, _, told = call(tiny, "--base", "HEAD~1", "bench")
    assert code == 3
    assert not of_an_earlier_run.exists()
    assert told.startswith(
        "void: 1 failed on head: bench/test_new_answer.py::test_new_answer: assert 199990000"
    )


@pytest.mark.parametrize(
    ("verdict", "code"), [("not slower", 0), ("faster", 0), ("slower", 1), ("inconclusive", 2)]
)
def test_the_exit_code_is_the_verdict_and_all_is_kept(tiny, tmp_path, capsys, verdict, code):
    """What the processes measure is made up; by turns slower and faster is neither."""
    plan = plan_of(tiny, tmp_path, limit_s=80)
    factors = {"not slower": (1.0, 1.0), "faster": (0.5, 0.5), "slower": (2.0, 2.0)}.get(verdict, (3.0, 0.3))
    made = MadeUp(lambda number: factors[number // 2 % 2])
    assert compare_and_print(plan, made.around) == code
    kept = msgspec.json.decode((plan.out / "micro.json").read_bytes(), type=MicroComparison)
    assert kept.verdict == verdict
    told = capsys.readouterr().out.splitlines()
    assert told[-3].startswith(f"{verdict}: ")
    assert [line.partition(":")[0] for line in told[-2:]] == ["head", "base"]
    assert all(Path(line.partition(": ")[2]).is_file() for line in told[-2:])


def test_ctrl_c_ends_the_processes(tiny, tmp_path):
    pid = tmp_path / "pid"
    tiny.commit({TINY: HANGING.format(pid=str(pid))})
    code = "from loadcheck.cli import main; main()"
    command = [sys.executable, "-c", code, "micro", "--base=HEAD~1", "bench"]
    with subprocess.Popen(command, cwd=tiny.folder, start_new_session=True) as process:
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
def test_a_wrong_call_is_told(call, tiny, arguments, complaint):
    code, _, told = call(tiny, *arguments)
    assert code == 64
    assert complaint in told
