"""What a test that compares is told, and what it leaves; the rounds are made up, the repository is real."""

from collections.abc import Callable

import msgspec
import pytest
from packages.loadcheck.tests.unit.compare.made_up import PROGRAM, USERS, MadeUp, Version

from loadcheck.compare.decide import Rules
from loadcheck.fixtures.compare import (
    ComparisonInconclusive,
    ComparisonTest,
    ComparisonVoid,
    HeadFailing,
    HeadSlower,
)
from loadcheck.fixtures.session import LoadSession, Options

Make = Callable[..., ComparisonTest]
BUSY = "something else kept 1.2 of 2 cores busy"


@pytest.fixture
def properties() -> list[tuple[str, object]]:
    return [("verdict", "of an attempt before")]


@pytest.fixture
def make(project, commit, properties, tmp_path) -> Make:
    """Make one that compares with the project's only commit."""
    commit()
    session = LoadSession(options=Options(project=project, out=tmp_path / "out"))

    def make(margin: float = 0.1) -> ComparisonTest:
        return ComparisonTest(
            session,
            "small",
            base="HEAD",
            rules=Rules(margin=margin),
            limit_s=100,
            logs=tmp_path,
            tell=print,
            properties=properties,
        )

    return make


@pytest.mark.smoke
def test_a_head_that_is_not_slower_passes_and_leaves_its_files(make, properties, repository, tmp_path):
    made = MadeUp()
    outcome = make().check(PROGRAM, USERS, {"KEY": "1"}, around=made.around)
    assert outcome.verdict == "not slower"
    assert (outcome.base_name, outcome.base) == ("HEAD", repository.git("rev-parse", "HEAD"))
    assert outcome.rules.margin == 0.1
    assert outcome.took_s <= 100
    assert made.played[0].env == {"KEY": "1"}
    assert made.played[0].programs["head"].folder == repository.folder
    assert made.played[0].programs["base"].folder != repository.folder
    assert (tmp_path / "out" / "small" / "compare.html").exists()
    kept = msgspec.json.decode((tmp_path / "out" / "compare.json").read_bytes())
    assert [each["verdict"] for each in kept["outcomes"]] == ["not slower"]
    assert dict(properties)["verdict"] == "not slower"


@pytest.mark.parametrize(
    ("made", "verdict", "error"),
    [
        (MadeUp(head=Version(work_ms=1)), "slower", HeadSlower),
        (MadeUp(head=Version(failing=0.1)), "failing", HeadFailing),
        (MadeUp(), "inconclusive", ComparisonInconclusive),
        (MadeUp(disturbed=lambda _: BUSY), "void", ComparisonVoid),
    ],
)
def test_each_other_verdict_fails_in_its_own_way_and_says_why(make, made, verdict, error, tmp_path):
    with pytest.raises(error) as caught:
        make(margin=0.001).check(PROGRAM, USERS, around=made.around)
    assert caught.value.outcome.verdict == verdict
    assert verdict in str(caught.value).lower()
    assert (tmp_path / "out" / "small" / "compare.html").exists()


def test_a_faster_head_passes(make):
    assert make().check(PROGRAM, USERS, around=MadeUp(base=Version(work_ms=1)).around).verdict == "faster"


TESTS = """
import pytest

from packages.loadcheck.tests.unit.compare.made_up import PROGRAM, USERS, MadeUp

@pytest.mark.perf
def test_loads(load):
    raise RuntimeError("a load test ran")

@pytest.mark.perf
def test_compares(compare):
    compare.check(PROGRAM, USERS, around=MadeUp(disturbed=lambda _: "a reason").around)
"""


@pytest.fixture
def run(pytester, monkeypatch) -> Callable[..., pytest.RunResult]:
    """Run the load tests in test_one.py, with no plugin but ours."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    options = ("--import-mode=importlib", "-p", "loadcheck.plugin", "-m", "perf", "test_one.py")
    return lambda *more: pytester.runpytest_inprocess(*options, *more)


def test_with_a_base_comparisons_run_alone_and_the_session_ends_with_a_table(repository, run, monkeypatch):
    repository.commit({"test_one.py": TESTS})
    monkeypatch.chdir(repository.folder)
    options = ("--perf-base=HEAD", "--perf-margin=3", "--perf-limit=100", "--junitxml=junit.xml")
    result = run(f"--rootdir={repository.folder}", *options)
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(
        [
            "*base: HEAD*",
            "*ComparisonVoid: Void: *a reason*",
            "*compared with base*",
            "one.compares*void*",
        ]
    )
    assert '<property name="verdict" value="void"' in (repository.folder / "junit.xml").read_text()
    kept = msgspec.json.decode((repository.folder / "perf-results" / "compare.json").read_bytes())
    (outcome,) = kept["outcomes"]
    assert outcome["rules"]["margin"] == 0.03
    assert 80 < outcome["took_s"] < 100


def test_without_a_base_all_others_run(pytester, run):
    pytester.makepyfile(test_one=TESTS)
    result = run()
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines("*a load test ran*")
