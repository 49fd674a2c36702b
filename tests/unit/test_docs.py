"""What the guides show is run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNDISTURBED = """
import loadcheck.outcome

loadcheck.outcome.void_reasons = lambda facts: ()  # other tests run beside this one
"""


def shown(guide: str, name: str) -> str:
    """The first code block after a file's name."""
    text = (ROOT / "docs" / guide).read_text()
    found = re.search(rf"in `{re.escape(name)}`:\n\n```python\n(.*?)```", text, re.DOTALL)
    assert found, f"{guide} shows no {name}"
    return found[1]


def test_a_gated_load_test_takes_15_lines(pytester: pytest.Pytester) -> None:
    names = ("hello.py", "hello_users.py", "test_hello.py")
    files = {name: shown("loadcheck.md", name) for name in names}
    for name, content in files.items():
        (pytester.path / name).write_text(content)
    (pytester.path / "conftest.py").write_text(UNDISTURBED)
    lines = (files["hello_users.py"] + files["test_hello.py"]).splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 15
    again = ("--reruns", "3", "--only-rerun", "RunVoid", "--only-rerun", "RunInconclusive")
    result = pytester.runpytest_subprocess("-m", "perf", "-p", "no:locust", *again, timeout=90)
    assert result.parseoutcomes()["passed"] == 1
    result.stdout.fnmatch_lines(["*hello*met*"])
    assert (pytester.path / "perf-results" / "report.html").exists()


def test_the_scenario_in_the_guide_is_one_of_the_suite() -> None:
    guide = (ROOT / "docs" / "load-testing.md").read_text()
    scenario = (ROOT / "tests" / "perf" / "test_search_beside_verification.py").read_text()
    assert f"```python\n{scenario}```" in guide
