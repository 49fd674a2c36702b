"""`loadcheck micro`: do the micro-benchmarks take longer than at another commit?"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
from msgspec.structs import replace

from loadcheck.compare.base import BaseFailed, check_out, head
from loadcheck.compare.decide import Verdict
from loadcheck.compare.micro import REAL, Surroundings, compare
from loadcheck.compare.micro_files import keep, of_this_machine, write_outcome
from loadcheck.compare.micro_round import RULES, MicroFailed, Plan
from loadcheck.compare.micro_table import render_micro
from loadcheck.compare.outcome import BASE, HEAD
from loadcheck.process import ProcessFailed

EXIT_CODES: Final[dict[Verdict, int]] = {"not slower": 0, "faster": 0, "slower": 1, "inconclusive": 2}
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
            return judge(plan)
        except (MicroFailed, ProcessFailed) as error:
            click.echo(f"void: {error}", err=True)
            return VOID


def _plan(rev: str, paths: tuple[str, ...], **settings: Any) -> Plan:
    project = Path.cwd()
    for path in paths:
        if not (project / path.partition("::")[0]).exists():
            raise click.UsageError(f"there is no {path} here")
    try:
        base, own = check_out(project, rev), head(project)
    except BaseFailed as error:
        raise click.ClickException(str(error)) from error
    return Plan(project=project, base=base, base_name=rev, head=own, paths=paths, tell=_tell, **settings)


def _tell(line: str) -> None:
    click.echo(line, err=True)


def judge(plan: Plan, around: Surroundings = REAL) -> int:
    """Compare; print and keep what is found, and return the exit code.

    Raises:
        MicroFailed: They cannot be compared.
        ProcessFailed: A process does not end.
    """
    written = plan.out / "micro.json"
    written.unlink(missing_ok=True)  # an earlier run's verdict is not this one's
    found = compare(plan, around)
    plan.out.mkdir(parents=True, exist_ok=True)
    write_outcome(written, found.outcome)
    click.echo(render_micro(found.outcome, TABLE_WIDTH, has_colour=sys.stdout.isatty()))
    folder = of_this_machine(plan.storage)
    for side in (HEAD, BASE):  # what pytest's --benchmark-compare takes is the last that was kept
        click.echo(f"{side}: {keep(folder, [each[side] for each in found.rounds])}")
    return EXIT_CODES[found.outcome.verdict]
