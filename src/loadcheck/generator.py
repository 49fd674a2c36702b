"""Run the load generator in a process of its own and bring back what it measured."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from loadcheck.facts import GeneratorFacts
from loadcheck.process import ChildProcess, ProcessFailed
from loadcheck.sample_file import read_samples
from loadcheck.samples import Samples
from loadcheck.server import Server
from loadcheck.usage import Usage
from loadcheck.workload import Workload


class Run(Struct, frozen=True, kw_only=True):
    """A workload that was played: every sample and how it went.

    `usage` is what each server consumed meanwhile, `settings` how it was started, both by its name.
    """

    workload: Workload
    facts: GeneratorFacts
    samples: Samples
    usage: Mapping[str, Usage]
    settings: Mapping[str, Mapping[str, str]]

    @property
    def judged(self) -> Samples:
        """The samples that count: without those of spawning and warm-up."""
        return self.samples.judged_from(self.facts.judged.start_s)


class Generator(Struct, frozen=True, kw_only=True):
    """Where the load generator runs: its working folder, its environment, and where its output goes."""

    folder: Path
    logs: Path
    env: Mapping[str, str] = {}

    def play(self, workload: Workload, host: str, out: Path, watched: Sequence[Server] = ()) -> Run:
        """Play a workload against a host; raises `ProcessFailed` when the generator fails or hangs."""
        out.mkdir(parents=True, exist_ok=True)
        for result in (out / "facts.json", out / "samples.bin"):
            result.unlink(missing_ok=True)  # another run's must not be taken for this one's
        plan = out / "workload.json"
        plan.write_bytes(msgspec.json.format(msgspec.json.encode(workload)))
        self._drive(workload, out / "facts.json", [f"--host={host}", f"--workload={plan}", f"--out={out}"])
        facts = msgspec.json.decode((out / "facts.json").read_bytes(), type=GeneratorFacts)
        end = facts.started_at + facts.ended_s
        return Run(
            workload=workload,
            facts=facts,
            samples=read_samples(out / "samples.bin"),
            usage={server.program.name: server.usage(facts.started_at, end) for server in watched},
            settings={server.program.name: server.program.settings() for server in watched},
        )

    def _drive(self, workload: Workload, result: Path, arguments: list[str]) -> None:
        command = [sys.executable, "-m", "loadcheck.driver", *arguments]
        with ChildProcess(command, log=self.logs / "driver.log", env=self.env, folder=self.folder) as driver:
            if driver.wait(workload.deadline_s) or not result.exists():
                raise ProcessFailed(driver.describe("failed"))
