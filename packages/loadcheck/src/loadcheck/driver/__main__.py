"""The load generator's command line."""

import argparse
import resource
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import msgspec
from locust.env import Environment
from locust.html import get_html_report

from loadcheck.driver.clock import Clock
from loadcheck.driver.conductor import Conductor, LocalConductor
from loadcheck.driver.distributed.master import MasterConductor
from loadcheck.driver.distributed.worker import Worker, serve_masters
from loadcheck.driver.play import play
from loadcheck.driver.progress import Progress
from loadcheck.driver.users.pairs import Meter
from loadcheck.model.sample_file import BlockWriter, SampleFile
from loadcheck.model.workload import Workload
from loadcheck.run.sides import Side, read_sides


def main() -> None:
    """Play a workload alone, or with workers, or be a worker."""
    options = parser().parse_args()
    allow_many_open_files()
    if options.worker and options.once:
        Worker(*address(options.worker)).run()
    elif options.worker:
        serve_masters(options.worker)
    else:
        generate(options)


def generate(options: argparse.Namespace) -> None:
    """Play a workload and leave its samples and facts."""
    workload = msgspec.json.decode(options.workload.read_bytes(), type=Workload)
    sides = read_sides(options.sides) if options.sides else ()
    clock = Clock()
    echo = address(options.echo) if options.echo else None
    progress = Progress(options.out / "progress.json", clock, workload.planned_s)
    with ExitStack() as stack:
        keeps = [
            _keeping(stack.enter_context(SampleFile(options.out / side.name / "samples.bin")), progress)
            for side in sides or (Side(name="", url=options.host),)
        ]
        conductor: Conductor
        if options.bind:
            conductor = MasterConductor(
                workload, options.host, keeps[0], clock, bind=address(options.bind), echo=echo
            )
        else:
            writers = [
                BlockWriter(keep, source=number, zero=clock.started_at) for number, keep in enumerate(keeps)
            ]
            conductor = LocalConductor(
                workload, options.host, writers, clock, [Meter(side) for side in sides], echo
            )
        try:
            facts = play(workload, conductor, clock, progress, echo)
            write_locust_report(options.out / "locust.html", conductor.runner.environment)
        finally:
            conductor.close()
    (options.out / "facts.json").write_bytes(msgspec.json.encode(facts))


def _keeping(file: SampleFile, progress: Progress) -> Callable[[bytes], None]:
    def keep(block: bytes) -> None:
        file.append(block)
        progress.on_block(block)

    return keep


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    parser = argparse.ArgumentParser(prog="loadcheck.driver")
    parser.add_argument("--host", help="the server under test, such as http://127.0.0.1:8000")
    parser.add_argument("--sides", type=Path, help="a JSON file: several servers that are asked side by side")
    parser.add_argument("--workload", type=Path, help="a JSON file: loadcheck.model.workload.Workload")
    parser.add_argument("--out", type=Path, help="the folder of the results")
    parser.add_argument("--bind", metavar="HOST:PORT", help="be the master of the workload's workers")
    parser.add_argument("--echo", metavar="HOST:PORT", help="ask the echo server there beside the users")
    parser.add_argument("--worker", metavar="HOST:PORT", help="generate load for the master at this address")
    parser.add_argument("--once", action="store_true", help="as a worker: end after one run")
    return parser


def address(text: str) -> tuple[str, int]:
    """Read `HOST:PORT`."""
    host, _, port = text.rpartition(":")
    return host, int(port)


def write_locust_report(path: Path, environment: Environment) -> None:
    """Write what Locust makes of the run; exceptions without their words, which may hold a person's data."""
    for failure in environment.runner.exceptions.values() if environment.runner else ():
        failure["msg"] = ""
    path.write_text(get_html_report(environment, show_download_link=False), encoding="utf-8")  # type: ignore[no-untyped-call]  # Locust's is untyped


def allow_many_open_files() -> None:
    """Raise the soft limit to the hard one: with a shell's usual 1,024 a thousand users would fail."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
