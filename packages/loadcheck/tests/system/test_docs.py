"""What the guide to the harness shows is run."""

import re
from pathlib import Path

import pytest

GUIDE = (Path(__file__).parents[2] / "README.md").read_text()
UNDISTURBED = """
import loadcheck.judge.scenario

loadcheck.judge.scenario.void_reasons = lambda facts: ()  # other tests run beside this one
"""
EASIER = {"hold_s=5": "hold_s=1", "p95_ms=250": "p95_ms=60_000", "min_rate_per_s=100": "min_rate_per_s=1"}
"""What is promised of a calm machine, and what any keeps."""


def shown(name: str) -> str:
    """The first code block after a file's name."""
    found = re.search(rf"in `{re.escape(name)}`:\n\n```python\n(.*?)```", GUIDE, re.DOTALL)
    assert found, f"the guide shows no {name}"
    return found[1]


def test_a_gated_load_test_takes_15_lines(pytester: pytest.Pytester) -> None:
    files = {name: shown(name) for name in ("hello.py", "hello_users.py", "test_hello.py")}
    lines = (files["hello_users.py"] + files["test_hello.py"]).splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 15
    for promised, kept in EASIER.items():
        assert promised in files["test_hello.py"]
        files["test_hello.py"] = files["test_hello.py"].replace(promised, kept)
    for name, content in {**files, "conftest.py": UNDISTURBED}.items():
        (pytester.path / name).write_text(content)
    result = pytester.runpytest_subprocess("-m", "perf", "-p", "no:locust", "-p", "no:schemathesis")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*hello*met*"])
    assert (pytester.path / "perf-results" / "report.html").exists()
