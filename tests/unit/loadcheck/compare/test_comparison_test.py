"""What a test that compares is told, and what it leaves."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from loadcheck.compare import test as comparison
from loadcheck.compare.decide import Rules
from loadcheck.compare.outcome import Outcome
from loadcheck.compare.run import Plan
from loadcheck.compare.test import ComparisonTest
from loadcheck.server import Program
from loadcheck.session import LoadSession, Options
from loadcheck.workload import closed

PROGRAM = Program(name="small", command=("python", "{port}"))
LOAD = closed("users.py:Visitor", users=1, hold_s=1)
Make = Callable[[Outcome], tuple[ComparisonTest, list[Plan]]]


@pytest.fixture
def make(project: Path, commit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make one whose comparison has this outcome: comparing itself is tested in test_run.py."""
    commit()
    session = LoadSession(options=Options(project=project, out=tmp_path / "out"))

    properties: list[tuple[str, object]] = [("verdict", "of an attempt before")]

    def make(outcome: Outcome) -> tuple[ComparisonTest, list[Plan]]:
        plans: list[Plan] = []

        def compare(plan: Plan) -> Outcome:
            plans.append(plan)
            return replace(outcome, scenario=plan.scenario)

        monkeypatch.setattr(comparison, "compare", compare)
        rules = Rules(margin=0.1)
        test = ComparisonTest(
            session,
            "small",
            base="HEAD",
            rules=rules,
            limit_s=60,
            logs=tmp_path,
            tell=print,
            properties=properties,
        )
        return test, plans

    return make


def test_a_head_that_is_not_slower_passes_and_leaves_its_files(make, not_slower, tmp_path):
    test, (plans) = make(not_slower)
    assert test.check(PROGRAM, LOAD, {"KEY": "1"}).verdict == "not slower"
    (plan,) = plans
    assert (plan.base.name, plan.head.name, plan.base_name) == ("base", "head", "HEAD")
    assert (plan.rules.margin, plan.limit_s, plan.env) == (0.1, 60, {"KEY": "1"})
    assert (tmp_path / "out" / "small" / "compare.html").exists()
    kept = msgspec.json.decode((tmp_path / "out" / "compare.json").read_bytes())
    assert [each["verdict"] for each in kept["outcomes"]] == ["not slower"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("slower", comparison.HeadSlower),
        ("failing", comparison.HeadFailing),
        ("inconclusive", comparison.ComparisonInconclusive),
        ("void", comparison.ComparisonVoid),
    ],
)
def test_each_other_verdict_fails_in_its_own_way_and_says_why(make, request, name, error, tmp_path):
    outcome = request.getfixturevalue(name)
    test, _ = make(outcome)
    with pytest.raises(error) as caught:
        test.check(PROGRAM, LOAD)
    assert caught.value.outcome.verdict == name
    assert name in str(caught.value).lower()
    assert (tmp_path / "out" / "small" / "compare.html").exists()


def test_a_faster_head_passes(make, faster):
    test, _ = make(faster)
    assert test.check(PROGRAM, LOAD).verdict == "faster"


CANNED = """
import pytest
from msgspec.structs import replace

import loadcheck.compare.test as comparison
from loadcheck.compare.outcome import Outcome
from loadcheck.server import Program
from loadcheck.workload import closed

OUTCOME = Outcome(
    scenario="", base="", base_name="HEAD", head="", verdict="void", void_reasons=("a canned reason",)
)

@pytest.mark.perf
def test_compares(compare, monkeypatch):
    monkeypatch.setattr(comparison, "compare", lambda plan: replace(OUTCOME, scenario=plan.scenario))
    compare.check(Program(name="p", command=("python",)), closed("users.py:Visitor", users=1, hold_s=1))
"""


def test_the_session_ends_with_a_table_and_junit_is_told(commit, project, pytester: pytest.Pytester):
    commit()
    (project / "test_one.py").write_text(CANNED)
    os.chdir(project)
    result = pytester.runpytest_subprocess(
        f"--rootdir={project}",
        "-m",
        "perf",
        "-p",
        "no:locust",
        "--perf-base=HEAD",
        "--junitxml=junit.xml",
        "test_one.py",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*ComparisonVoid: Void: a canned reason.*", "*compared with base*", "one.compares*void*"]
    )
    assert '<property name="verdict" value="void"' in (project / "junit.xml").read_text()


PLAIN_AND_COMPARING = """
import pytest

@pytest.mark.perf
def test_loads(load):
    raise RuntimeError("a load test ran")

@pytest.mark.perf
def test_compares(compare):
    compare._tell("compared with " + compare._base)
    assert compare._rules.margin == 0.03
"""


def test_with_a_base_comparisons_run_alone_and_without_one_all_others(pytester: pytest.Pytester):
    pytester.makepyfile(PLAIN_AND_COMPARING)
    with_base = pytester.runpytest_subprocess(
        "-m", "perf", "-p", "no:locust", "--perf-base=main", "--perf-margin=3", "--perf-results=out"
    )
    with_base.assert_outcomes(passed=1, deselected=1)
    with_base.stdout.fnmatch_lines("*compared with main*")
    without = pytester.runpytest_subprocess("-m", "perf", "-p", "no:locust", "--perf-results=out")
    without.assert_outcomes(failed=1, deselected=1)
