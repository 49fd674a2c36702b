"""One side of a round: pytest, in that side's interpreter. That may have no loadcheck: it is run by its path.

Its arguments: where to write why benchmarks failed, the names of the project's own packages, and pytest's.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest


def main(reasons: Path, own: list[str], arguments: list[str]) -> int:
    """Run pytest; keep why what failed did."""
    sys.meta_path.insert(0, Strangers({name for name in own if not _lies_in(Path.cwd(), name)}))
    failures = Failures()
    code = pytest.main(arguments, plugins=[failures])
    reasons.write_text(json.dumps(failures.reasons), encoding="utf-8")
    return code


class Strangers:
    """Keeps out the project's packages that would come from elsewhere, as those of an installed project do.

    What base does not have must not be head's.
    """

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """Refuse them, and leave all others to those who know."""
        if name in self.names:
            raise ModuleNotFoundError(f"No module named {name!r} in this commit", name=name)


def _lies_in(folder: Path, name: str) -> bool:
    spec = find_spec(name)
    return bool(spec and spec.origin and Path(spec.origin).resolve().is_relative_to(folder.resolve()))


class Failures:
    """A plugin that notes the first reason of each test, or file, that failed."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that could not be read."""
        self._note(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that failed."""
        self._note(report)

    def _note(self, report: pytest.CollectReport | pytest.TestReport) -> None:
        if report.failed:
            self.reasons.setdefault(report.nodeid, reason(report))


def reason(report: pytest.CollectReport | pytest.TestReport) -> str:
    """Return the line that names the error."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash:
        return str(crash.message).partition("\n")[0]
    return str(report.longrepr).strip().rpartition("\n")[2].removeprefix("E").strip()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2].split(), sys.argv[3:]))
