"""`loadcheck micro`: do the micro-benchmarks take longer than at another commit?"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
import msgspec
from msgspec.structs import replace
from pytest_benchmark.stats import Stats
from pytest_benchmark.utils import get_machine_id

from loadcheck.compare.base import BaseFailed, check_out, head
from loadcheck.compare.comparison import BASE, HEAD
from loadcheck.compare.decide import ChangeVerdict
from loadcheck.compare.micro.benchmarks import (
    REAL_PROCESSES,
    MicroComparison,
    MicroSurroundings,
    compare_benchmarks,
)
from loadcheck.compare.micro.round import RULES, MicroFailed, MicroPlan, Ran
from loadcheck.compare.micro.table import render_micro
from loadcheck.run.process import ProcessFailed

EXIT_CODES: Final[dict[ChangeVerdict, int]] = {"not slower": 0, "faster": 0, "slower": 1, "inconclusive": 2}
VOID: Final = 3
DEFAULT_PATHS: Final = ("tests/perf/micro",)
TABLE_WIDTH: Final = 140


@click.command()
@click.argument("paths", nargs=-1)
@click.option("--base", "rev", required=True, metavar="REV", help="Compare with this branch, tag or commit.")
@click.option("-m", "marks", default="not large", show_default=True, help="Which of them: as pytest's -m.")
@click.option(
    "--margin",
    type=click.FloatRange(min=0, min_open=True),
    default=100 * RULES.margin,
    show_default=True,
    metavar="PERCENT",
    help="Slower by less is not slower.",
)
@click.option(
    "--limit-s", type=click.FloatRange(min=0), default=600, show_default=True, help="The longest it takes."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("perf-results"),
    show_default=True,
    help="Where micro.json goes, and bench/ with pytest-benchmark's files.",
)
def micro(paths: tuple[str, ...], rev: str, margin: float, **settings: Any) -> int:
    """Compare the micro-benchmarks in PATHS [default: tests/perf/micro] with those of a base.

    Both sides run the benchmark files as they are now, each with its own code. The exit code tells the
    verdict: 0 not slower or faster, 1 slower, 2 inconclusive, 3 void; 64 is a wrong call.
    """
    with TemporaryDirectory(prefix="loadcheck-") as logs:
        rules = replace(RULES, margin=margin / 100)
        plan = _plan(rev, paths or DEFAULT_PATHS, logs=Path(logs), rules=rules, **settings)
        try:
            return compare_and_print(plan)
        except (MicroFailed, ProcessFailed) as error:
            click.echo(f"void: {error}", err=True)
            return VOID


def _plan(rev: str, paths: tuple[str, ...], **settings: Any) -> MicroPlan:
    project = Path.cwd()
    for path in paths:
        if not (project / path.partition("::")[0]).exists():
            raise click.UsageError(f"there is no {path} here")
    try:
        base, own = check_out(project, rev), head(project)
    except BaseFailed as error:
        raise click.ClickException(str(error)) from error
    return MicroPlan(project=project, base=base, base_name=rev, head=own, paths=paths, tell=_tell, **settings)


def _tell(line: str) -> None:
    click.echo(line, err=True)


def compare_and_print(plan: MicroPlan, around: MicroSurroundings = REAL_PROCESSES) -> int:
    """Compare; print and keep what is found, and return the exit code.

    Raises:
        MicroFailed: They cannot be compared.
        ProcessFailed: A process does not end.
    """
    written = plan.out / "micro.json"
    written.unlink(missing_ok=True)  # an earlier run's verdict is not this one's
    found = compare_benchmarks(plan, around)
    plan.out.mkdir(parents=True, exist_ok=True)
    write_outcome(written, found.outcome)
    click.echo(render_micro(found.outcome, TABLE_WIDTH, has_colour=sys.stdout.isatty()))
    folder = of_this_machine(plan.storage)
    for side in (HEAD, BASE):  # what pytest's --benchmark-compare_benchmarks takes is the last that was kept
        click.echo(f"{side}: {keep(folder, [each[side] for each in found.rounds])}")
    return EXIT_CODES[found.outcome.verdict]


def write_outcome(path: Path, outcome: MicroComparison) -> None:
    """Keep the record of a comparison."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(outcome)) + b"\n")


def of_this_machine(storage: Path) -> Path:
    """Return the folder in which pytest-benchmark keeps what was measured on machines like this one."""
    machine: str = get_machine_id()
    return storage / machine


def keep(folder: Path, runs: Sequence[Ran]) -> Path:
    """Keep what one side's processes measured as one run, named by the next number and the commit."""
    folder.mkdir(parents=True, exist_ok=True)
    commit = runs[-1].file["commit_info"]
    suffix = "_uncommitted-changes" if commit["dirty"] else ""
    path = folder / f"{_next_number(folder):04}_{commit['id']}{suffix}.json"
    path.write_text(json.dumps(pooled(runs), indent=4), encoding="utf-8")
    return path


def _next_number(folder: Path) -> int:
    """Count as pytest-benchmark does."""
    known = [int(path.name[:4]) for path in folder.glob("[0-9][0-9][0-9][0-9]_*.json")]
    return max(known, default=0) + 1


def pooled(runs: Sequence[Ran]) -> dict[str, Any]:
    """Return the last run's file with the timings of all of them in its figures, and without the timings."""
    timings: dict[str, list[float]] = {}
    for ran in runs:
        for bench in ran.file["benchmarks"]:
            timings.setdefault(bench["fullname"], []).extend(bench["stats"]["data"])
    last = runs[-1].file
    return {**last, "benchmarks": [_bench(bench, timings[bench["fullname"]]) for bench in last["benchmarks"]]}


def _bench(bench: dict[str, Any], timings: Sequence[float]) -> dict[str, Any]:
    stats = Stats()
    for seconds in timings:
        stats.update(seconds)
    return {**bench, "stats": {**stats.as_dict(), "iterations": bench["stats"]["iterations"]}}
