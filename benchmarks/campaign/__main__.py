"""`python -m benchmarks.campaign`: the judge of comparisons, measured on this machine, run after run."""

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
from msgspec.structs import replace

from benchmarks.campaign.cases import BEGINS, SLOWER, Case
from benchmarks.campaign.results import Run, read_campaign, table
from benchmarks.campaign.slowed import SLOWED, encoded
from loadcheck.compare.base import check_out, head
from loadcheck.compare.servers import ComparisonPlan, compare_servers
from loadcheck.model.workload import UserClass, closed
from loadcheck.run.process import ProcessFailed
from loadcheck.run.server import Program, serving

PROJECT: Final = Path(__file__).parents[2]
KEY: Final = "key-of-this-run"
BOT: Final = UserClass(locustfile="locustfiles/first_searches.py", name="FirstSearchUser", wait_s=(0, 0))
WORKLOAD: Final = closed(BOT, users=1, hold_s=1, warm_up_s=1.5)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--minutes", default=60.0, show_default=True, help="Begin no run after so long.")
@click.option("--identical", default=4, show_default=True, help="Runs without a change for each with one.")
@click.option("--percent", "percents", multiple=True, type=int, help="Only these slowdowns; may be repeated.")
@click.option("--base", default="HEAD", show_default=True, help="A revision whose code is the same.")
@click.option(
    "--out",
    default=Path("packages/loadcheck/docs/campaign.jsonl"),
    show_default=True,
    type=click.Path(path_type=Path),
)
def main(minutes: float, identical: int, percents: tuple[int, ...], base: str, out: Path) -> None:
    """Compare the service with itself, and with itself slowed, and count how often the judge is right.

    Base is checked out as in any comparison. Each run is added to OUT as it ends: broken off, it goes on
    where it was.
    """
    campaign = read_campaign(out)
    until = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory() as folder, _upstream(Path(folder)) as url:
        for case in campaign.order(
            [case for case in SLOWER if case.percent in (percents or (case.percent,))], identical
        ):
            if time.monotonic() > until:
                break
            known = case if campaign.p95_ms.keys() >= BEGINS.keys() else Case()
            try:
                run = _run(known, base, campaign.p95_ms, url, Path(folder))
            except ProcessFailed as error:
                click.echo(f"{known.name}: {error}", err=True)
                continue
            campaign.add(run)
            click.echo(run.line())
    click.echo(table(campaign.runs))


@contextlib.contextmanager
def _upstream(folder: Path) -> Iterator[str]:
    command = [
        "-m",
        "wisphub_sim",
        "--port",
        "{port}",
        "--latency-ms",
        "20",
        "--clients",
        "2000",
        "--seed",
        "1",
        "--key",
        "demo-key",
    ]
    program = Program(name="upstream", command=(sys.executable, *command), ready_path="/_sim/stats")
    with serving(program, logs=folder) as server:
        yield server.url


def _run(case: Case, base: str, p95_ms: dict[str, float], upstream: str, folder: Path) -> Run:
    own = head(PROJECT)
    unslowed = check_out(PROJECT, base)
    plan = ComparisonPlan(
        scenario=case.name,
        project=PROJECT,
        base=replace(unslowed, env={SLOWED: encoded(Case().slowdowns({}))}),
        base_name=base,
        head=replace(own, env={SLOWED: encoded(case.slowdowns(p95_ms))}),
        program=_service(upstream),
        workload=WORKLOAD,
        out=folder / "run",
        logs=folder,
        env={"WISPHUB_API_KEY": KEY},
    )
    return Run.of(case, compare_servers(plan))


def _service(upstream: str) -> Program:
    return Program(
        name="service",
        command=(
            sys.executable,
            "-m",
            "benchmarks.campaign.slowed",
            "serve",
            "--port",
            "{port}",
            "--workers=1",
        ),
        ready_path="/health/ready",
        env={
            "WISPHUB_NET_HOST": upstream,
            "WISPHUB_NET_KEY": "demo-key",
            "WISPHUB_API_KEYS": f"campaign:{KEY}",
        },
    )


if __name__ == "__main__":
    main()
