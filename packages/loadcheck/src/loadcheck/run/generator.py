"""Run the load generator in processes of its own and bring back what it measured."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import msgspec
from msgspec import Struct

from loadcheck.model.facts import GeneratorFacts, Snapshot
from loadcheck.model.resources import Moment, Usage
from loadcheck.model.sample_file import read_samples
from loadcheck.model.samples import Samples
from loadcheck.model.workload import Workload
from loadcheck.run import echo
from loadcheck.run.counters import CounterWatch, Readings
from loadcheck.run.process import ChildProcess, ProcessFailed
from loadcheck.run.server import Program, Server, free_port, serving
from loadcheck.run.target import HOST, Target

LOOK_EVERY_S = 0.25


class Run(Struct, frozen=True, kw_only=True):
    """A workload that was played: every sample and how it went; its files are in `folder`.

    `usage` is what each server consumed in the judged stretch, `servers` its readings over the whole run,
    `settings` how it was started, all by its name; `counters` are the readings of the test's own.
    """

    workload: Workload
    folder: Path
    facts: GeneratorFacts
    samples: Samples
    under_test: str
    usage: Mapping[str, Usage]
    whole_usage: Mapping[str, Usage]
    servers: Mapping[str, tuple[Moment, ...]]
    settings: Mapping[str, Mapping[str, str]]
    counters: Mapping[str, Readings]

    @property
    def judged(self) -> Samples:
        """The samples that count: without those of spawning and warm-up, and of users that leave."""
        return self.samples.judged_from(self.facts.judged.start_s, self.facts.judged.end_s)


class Watched(Struct, frozen=True, kw_only=True):
    """What is watched while a workload is played: servers, and the test's counters."""

    servers: tuple[Server, ...] = ()
    counters: Mapping[str, Callable[[], float]] = {}


class Generator(Struct, frozen=True, kw_only=True):
    """Where the load generator runs: its working folder, its environment, and where its output goes.

    `tell` hears of the run while it goes on, and None at its end. `bind` (`HOST:PORT`) is where workers on
    other machines come to; `remote_workers` of them are waited for.
    """

    folder: Path
    logs: Path
    env: Mapping[str, str] = {}
    tell: Callable[[Snapshot | None], None] = lambda _: None
    bind: str = ""
    remote_workers: int = 0

    def play(self, workload: Workload, target: Target, out: Path, watched: Watched) -> Run:
        """Play a workload against a server; raises `ProcessFailed` when the generator fails or hangs."""
        out.mkdir(parents=True, exist_ok=True)
        for result in ("facts.json", "samples.bin", "progress.json"):
            (out / result).unlink(missing_ok=True)  # another run's must not be taken for this one's
        with CounterWatch(watched.counters) as counters:
            self._drive(workload, target, out)
        facts = msgspec.json.decode((out / "facts.json").read_bytes(), type=GeneratorFacts)
        start, end = facts.started_at, facts.started_at + facts.ended_s
        played_from, judged_from = start + facts.played_from_s, start + facts.judged.start_s
        servers = {name: server for name, server in named(watched.servers).items() if server.is_watched}
        return Run(
            workload=workload,
            folder=out,
            facts=facts,
            samples=read_samples(out / "samples.bin", facts.started_at),
            under_test=target.name,
            usage={name: server.usage(judged_from, end) for name, server in servers.items()},
            whole_usage={name: server.usage(played_from, end) for name, server in servers.items()},
            servers={name: server.timeline(start, end) for name, server in servers.items()},
            settings={name: server.program.settings() for name, server in servers.items()},
            counters=counters.readings(start),
        )

    def _drive(self, workload: Workload, target: Target, out: Path) -> None:
        plan = out / "workload.json"
        local = workload.workers
        workload = msgspec.structs.replace(workload, workers=local + self.remote_workers)
        plan.write_bytes(msgspec.json.format(msgspec.json.encode(workload)))
        arguments = [f"--host={target.url}", f"--workload={plan}", f"--out={out}"]
        workers: list[ChildProcess] = []
        with ExitStack() as stack:
            if workload.workers > 1:
                address = self.bind or f"{HOST}:{free_port()}"
                arguments.append(f"--bind={address}")
                workers = [
                    stack.enter_context(self._start(f"worker-{number}", ["--once", f"--worker={address}"]))
                    for number in range(local)
                ]
            arguments.append(f"--echo={HOST}:{stack.enter_context(self._echo_server()).port}")
            driver = stack.enter_context(self._start("driver", arguments))
            stack.callback(self.tell, None)
            self._wait(driver, workers, workload.deadline_s, out)

    def _echo_server(self) -> AbstractContextManager[Server]:
        """Run what tells how much of a response time is the machine's."""
        command = (sys.executable, "-I", echo.__file__, "{port}")
        return serving(Program(name="echo", command=command), logs=self.logs)

    def _start(self, name: str, arguments: Sequence[str]) -> ChildProcess:
        command = [sys.executable, "-m", "loadcheck.driver", *arguments]
        return ChildProcess(command, log=self.logs / f"{name}.log", env=self.env, folder=self.folder)

    def _wait(
        self, driver: ChildProcess, workers: Sequence[ChildProcess], timeout_s: float, out: Path
    ) -> None:
        deadline = time.monotonic() + timeout_s
        while driver.is_running_after(LOOK_EVERY_S):
            if time.monotonic() > deadline:
                raise ProcessFailed(driver.describe(f"was still running after {timeout_s:g} s"))
            for worker in workers:
                if worker.exit_code:
                    raise ProcessFailed(worker.describe(f"ended with code {worker.exit_code}"))
            self._tell(out / "progress.json")
        if driver.exit_code or not (out / "facts.json").exists():
            raise ProcessFailed(driver.describe("failed"))

    def _tell(self, path: Path) -> None:
        if path.exists():
            self.tell(msgspec.json.decode(path.read_bytes(), type=Snapshot))


def named(servers: Sequence[Server]) -> dict[str, Server]:
    """Return each server once, by a name of its own: the second of a name is numbered."""
    found: dict[str, Server] = {}
    for server in dict.fromkeys(servers):
        names = (server.name, *(f"{server.name}-{number}" for number in range(2, len(servers) + 1)))
        found[next(name for name in names if name not in found)] = server
    return found
