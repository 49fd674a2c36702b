"""The command: play everything, print the tables, keep them with JSON and plots."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from subprocess import SubprocessError
from typing import Final

import click
import msgspec
from msgspec import Struct

from benchmarks.peers.figures import BUSY_GENERATOR_CORES, Measure, Measures, Missing
from benchmarks.peers.life import Life, live
from benchmarks.peers.play import Plan, Played, play
from benchmarks.peers.report import measures_table, plot, targets_table
from benchmarks.peers.servers.stand import Cores, Stand, missing_programs, two_cores
from benchmarks.peers.targets import Line, judge
from benchmarks.peers.wrk import CONNECTIONS, WrkFailed, is_installed
from loadcheck.model.environment import Environment, environment
from loadcheck.run.process import ProcessFailed

SIZES: Final = (2_000,)
QUICK_CASES: Final = ("list, page", "search, first time", "verify")
QUICK_LOOKUPS: Final = 100
FEW_REQUESTS: Final = 200


class Result(Struct, frozen=True, kw_only=True):
    """All of a run, as it is kept."""

    environment: Environment
    plan: Plan
    cores: Cores
    measures: list[Measure]
    missing: list[Missing]
    lives: list[Life]
    targets: list[Line]


@click.command()
@click.option("--clients", "sizes", multiple=True, type=click.IntRange(1_000, 500_000), help="Default: 2000.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 100))
@click.option("--seconds", default=1, show_default=True, type=click.IntRange(1, 60), help="Of each measure.")
@click.option(
    "--tries", default=2, show_default=True, type=click.IntRange(1, 9), help="While others are busy."
)
@click.option("--case", "only", multiple=True, help="Only cases whose name holds this; may be repeated.")
@click.option("--pin/--no-pin", default=True, show_default=True, help="Server and load on a core each.")
@click.option(
    "--life/--no-life", "has_life", default=True, show_default=True, help="Start, crawl and refresh too."
)
@click.option("--quick", is_flag=True, help="One short round of a few cases: does it run at all?")
@click.option("--out", default="perf-results/peers", show_default=True, type=click.Path(path_type=Path))
def main(  # noqa: PLR0913, PLR0917 - one argument an option
    sizes: tuple[int, ...],
    rounds: int,
    seconds: int,
    tries: int,
    only: tuple[str, ...],
    pin: bool,  # noqa: FBT001 - click passes it by name
    has_life: bool,  # noqa: FBT001 - likewise
    quick: bool,  # noqa: FBT001 - likewise
    out: Path,
) -> None:
    """Measure the service beside the limit and its peers.

    It is a report: it ends with 0 whatever was found, and with 1 where something could not be measured.
    """
    if not is_installed():
        raise click.ClickException("wrk is not installed (Debian's package is `wrk`)")
    plan = Plan(rounds=rounds, seconds=float(seconds), tries=tries, only=only)
    if quick:
        plan = Plan(rounds=1, seconds=1.0, lookups=QUICK_LOOKUPS, only=only or QUICK_CASES)
        sizes, has_life = SIZES, False
    cores = two_cores() if pin else Cores()
    try:
        result = measure_all(sizes or SIZES, plan, cores, has_life=has_life)
    except (ProcessFailed, WrkFailed, OSError, SubprocessError) as error:
        raise click.ClickException(str(error)) from error
    keep(result, out)
    click.echo(report(result))
    if any(each.is_failure for each in result.missing):
        sys.exit(1)


def measure_all(sizes: Sequence[int], plan: Plan, cores: Cores, *, has_life: bool) -> Result:
    """Play each number of clients on a stand of its own."""
    described = environment(Path.cwd())
    played = [play_with(clients, plan, cores) for clients in sizes]
    lives = []
    if has_life:
        with tempfile.TemporaryDirectory(prefix="peers-") as folder:
            lives.append(live(max(sizes), plan.rounds, Path(folder), say))
    measures = [measure for each in played for measure in each.measures]
    return Result(
        environment=described,
        plan=plan,
        cores=cores,
        measures=measures,
        missing=[missing for each in played for missing in each.missing],
        lives=lives,
        targets=judge(Measures(measures), lives),
    )


def play_with(clients: int, plan: Plan, cores: Cores) -> Played:
    """Play all cases with so many clients."""
    with (
        tempfile.TemporaryDirectory(prefix="peers-") as folder,
        cores.taken(),
        Stand(clients, Path(folder), cores) as stand,
    ):
        return play(stand, plan, Path(folder), say)


def keep(result: Result, out: Path) -> None:
    """Write the JSON, the tables and a plot for each number of clients."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "peers.json").write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    (out / "peers.md").write_text(report(result) + "\n", encoding="utf-8")
    measures = Measures(result.measures)
    for clients in measures.sizes():
        (out / f"{clients}-clients.svg").write_text(plot(clients, measures), encoding="utf-8")


def report(result: Result) -> str:
    """Return all tables, and before them what is to be known of the run."""
    measures = Measures(result.measures)
    tables = [measures_table(clients, measures, result.missing) for clients in measures.sizes()]
    return "\n\n".join(["\n".join(notes(result)), *tables, targets_table(result.targets)])


def notes(result: Result) -> list[str]:
    """Return on what it was measured, and what may have spoiled it."""
    described, plan = result.environment, result.plan
    where = "wherever the system put them" if result.cores.server is None else "server and wrk on a core each"
    lines = [
        f"{described.cores} cores, {described.processor}, Python {described.python}; {where}.",
        f"wrk, 1 thread, {CONNECTIONS} connections; {plan.rounds} rounds, {plan.seconds:g} s a measure.",
        "A figure is the rounds' median; in brackets its ratio to the bare ASGI app's, lowest and highest.",
        *(
            f"{name} is left out: it needs Debian's package `{package}`."
            for name, package in missing_programs()
        ),
    ]
    if noisy := [one for one in result.measures if one.disturbance.is_noisy]:
        worst = max(one.disturbance.cores for one in noisy)
        lines.append(
            f"NOISY: during {len(noisy)} of {len(result.measures)} measures the machine did something else, "
            f"up to {worst:.1f} cores of it. Measure again when it is idle."
        )
    if busy := {one.server for one in result.measures if one.generator_cores > BUSY_GENERATOR_CORES}:
        lines.append(f"wrk itself was the limit at times for: {', '.join(sorted(busy))}.")
    if few := {f"{one.server}, {one.case}" for one in result.measures if one.requests < FEW_REQUESTS}:
        lines.append(f"Too few requests for a P99: {'; '.join(sorted(few))}.")
    return lines


def say(line: str) -> None:
    """Print what is being done."""
    click.echo(line, err=True)
