"""One round of micro-benchmarks: base and head one after the other, each in a fresh process."""

import json
import os
import random
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from loadcheck.compare.base import Checkout
from loadcheck.compare.comparison import HEAD
from loadcheck.compare.decide import Rules
from loadcheck.run.process import ChildProcess
from loadcheck.run.server import Program

CHILD: Final = Path(__file__).with_name("child.py")
FIGURE: Final = "median"
"""Equal code differs less in it than in the fastest time (docs/comparing.md)."""
BRIEFLY: Final = (
    "--benchmark-max-time=0.3",
    "--benchmark-min-rounds=5",
    "--benchmark-min-time=0.0005",
    "--benchmark-timer=time.process_time",
)
"""Little time for each benchmark, in seconds: more processes tell more than longer ones.

It is CPU time: what else the machine does shows less in it, and waiting not at all.
"""


RULES: Final = Rules(margin=0.1, alike={})
"""How processes of one program differ is in what the rounds show: nothing is added to it."""
LISTED: Final = 5
"""So many failures are listed."""


class MicroFailed(Exception):
    """The micro-benchmarks cannot be compared; the message says why."""


class MicroPlan(Struct, frozen=True, kw_only=True):
    """Which benchmarks are compared, and how.

    `paths` are head's benchmarks: files, folders or single tests, relative to the project's folder. `marks`
    chooses among them as pytest's `-m` does. Rounds follow each other until it is decided, for `limit_s`
    seconds at most, but never fewer than `fewest`. Files go to `out`, what the processes say to `logs`.
    """

    project: Path
    base: Checkout
    base_name: str
    head: Checkout
    paths: tuple[str, ...]
    out: Path
    logs: Path
    marks: str = "not large"
    rules: Rules = RULES
    limit_s: float = 600.0
    fewest: int = 6
    seed: int = 1
    tell: Callable[[str], None] = lambda _: None

    @property
    def storage(self) -> Path:
        """Where pytest-benchmark's files go."""
        return self.out / "bench"


class Ran(Struct, frozen=True):
    """What one process measured, as pytest-benchmark tells it; why what failed in it did, by test or file."""

    file: Mapping[str, Any]
    failures: Mapping[str, str]

    @property
    def seconds(self) -> dict[str, float]:
        """Each benchmark's figure; a test that failed after all has none."""
        return {
            bench["fullname"]: bench["stats"][FIGURE]
            for bench in self.file["benchmarks"]
            if bench["fullname"] not in self.failures
        }

    def reason(self, benchmark: str) -> str:
        """Say why a benchmark, or the whole file it is in, was not measured."""
        file = benchmark.partition("::")[0]
        return self.failures.get(benchmark) or self.failures.get(file, "it was skipped")


MicroRound = Mapping[str, Ran]
"""What each side measured."""


RunSide = Callable[[MicroPlan, Checkout, Path], Ran]
"""Measures a side; what its process says goes into a folder."""


def run_side(plan: MicroPlan, side: Checkout, folder: Path) -> Ran:
    """Run head's benchmarks on one side's code."""
    own = side.program(Program(name="micro", command=(sys.executable,)), plan.project)
    found, reasons = folder / "benchmark.json", folder / "failures.json"
    command = [*own.command, "-P", str(CHILD), str(reasons), " ".join(_packages(plan)), *_arguments(plan)]
    command.append(f"--benchmark-json={found}")
    with ChildProcess(command, log=folder / "pytest.log", env=own.env, folder=own.folder) as process:
        process.wait(plan.limit_s)
    failures = _read(reasons)
    if not found.exists():
        why = listed(failures) or process.last_output()
        raise MicroFailed(f"{side.name} ({side.commit[:12]}) runs none of the benchmarks: {why}")
    if side.name == HEAD and failures:
        raise MicroFailed(f"{len(failures)} failed on head: {listed(failures)}")
    return Ran(_read(found), failures)


def play_micro_round(
    plan: MicroPlan, number: int, order: random.Random, run: RunSide = run_side
) -> MicroRound:
    """Run both sides; whether base or head comes first is drawn anew each time.

    Raises:
        MicroFailed: A side measures nothing at all, or a benchmark fails on head.
        ProcessFailed: A process does not end.
    """
    sides = order.sample((plan.base, plan.head), 2)
    return {side.name: run(plan, side, plan.logs / f"{number}-{side.name}") for side in sides}


def listed(reasons: Mapping[str, str]) -> str:
    """Return the first of many failures as text."""
    return "; ".join(f"{name}: {why}" for name, why in list(reasons.items())[:LISTED])


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_bytes()) if path.exists() else {}


def _packages(plan: MicroPlan) -> list[str]:
    """Name the project's own packages and modules; where the benchmarks lie is head's on both sides."""
    found: set[str] = set()
    for folder in (plan.project / "src", plan.project):
        found |= {path.stem for path in folder.glob("*.py")}
        found |= {path.parent.name for path in folder.glob("*/__init__.py")}
    return sorted(found - {"conftest", *(Path(path).parts[0] for path in plan.paths)})


def _arguments(plan: MicroPlan) -> list[str]:
    """Return pytest's arguments: head's benchmarks and settings, but nothing that brings in head's code."""
    paths = [str(plan.project / path) for path in plan.paths]
    return [
        *paths,
        f"--rootdir={plan.project}",
        f"--confcutdir={os.path.commonpath([_folder(path) for path in paths])}",
        "--override-ini=pythonpath=",
        "--continue-on-collection-errors",
        *("-p", "no:loadcheck", "-p", "no:cacheprovider", "-p", "benchmark"),
        *("-m", plan.marks),
        "--benchmark-only",
        f"--benchmark-storage={plan.storage.resolve()}",
        *BRIEFLY,
    ]


def _folder(path: str) -> str:
    file = Path(path.partition("::")[0])
    return str(file if file.is_dir() else file.parent)
