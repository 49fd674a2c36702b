"""One round: fresh processes of all sides, started at once, and the same requests to all of them."""

import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec
import psutil
from msgspec import Struct

from loadcheck.compare.comparison import Start
from loadcheck.compare.look import CpuReading, Round, judged_round
from loadcheck.compare.profiles import Profile, Sampling, record
from loadcheck.judge.scenario import failures
from loadcheck.model.facts import GeneratorFacts
from loadcheck.model.sample_file import read_samples
from loadcheck.model.samples import Samples
from loadcheck.model.workload import Workload
from loadcheck.run.process import ChildProcess, ProcessFailed
from loadcheck.run.server import Program, Server
from loadcheck.run.sides import Side, write_sides
from loadcheck.run.usage import read_tree

READ_EVERY_S: Final = 0.25
PROFILE_AFTER_S: Final = 3.0
"""By when the load generator has surely begun to ask."""
FOREIGN_SHARE: Final = 0.15
"""Of the machine's cores: with more at work for others, the slowest answers tell of these."""

DROPPED_SHARE: Final = 0.01
"""Of arrivals; with more of them the load was not what was asked."""


class RoundPlan(Struct, frozen=True, kw_only=True):
    """What is done in a round: a program a side, and the workload; `env` reaches the users.

    It does not count where others used more than `foreign_share` of the machine's cores.
    """

    programs: Mapping[str, Program]
    workload: Workload
    folder: Path
    out: Path
    logs: Path
    env: Mapping[str, str] = {}
    foreign_share: float = FOREIGN_SHARE


class Played(Struct, frozen=True, kw_only=True):
    """A round that was played; `disturbed` says why it does not count. `failures` are counted by side."""

    round: Round
    failures: Mapping[str, Mapping[str, int]]
    starts: tuple[Start, ...]
    disturbed: str = ""
    profiles: Mapping[str, Profile] = {}


def play_round(plan: RoundPlan, sampling: Sampling | None = None) -> Played:
    """Play one, profiled if it is said how; raises `ProcessFailed` when a process fails."""
    with ExitStack() as stack:
        servers = _start(plan, stack)
        sides = tuple(
            Side(name=name, url=servers[name].url, pids=_tree(servers[name])) for name in plan.programs
        )
        at_rest = {
            name: read_tree(psutil.Process(server.pid)).memory_bytes for name, server in servers.items()
        }
        apart = _share_cores(sides)
        readings, profiles = _drive(plan, sides, apart, sampling)
        starts = tuple(_start_of(name, server, at_rest[name]) for name, server in servers.items())
    facts = msgspec.json.decode((plan.out / "facts.json").read_bytes(), type=GeneratorFacts)
    found = {side.name: read_samples(_samples_path(plan, side.name)) for side in sides}
    window = (facts.started_at + facts.judged.start_s, facts.started_at + facts.judged.end_s)
    return Played(
        round=judged_round(found, window, readings),
        failures={name: failures(samples) for name, samples in found.items()},
        starts=starts,
        disturbed=disturbance(facts, found, readings, plan.foreign_share),
        profiles=profiles,
    )


def _start(plan: RoundPlan, stack: ExitStack) -> dict[str, Server]:
    """Start all at once, in an order drawn anew: who starts first differs from who starts last."""
    servers: dict[str, Server] = {}
    for name in random.sample(list(plan.programs), len(plan.programs)):
        program = plan.programs[name]
        servers[name] = stack.enter_context(Server(program, log=plan.logs / f"{program.name}.log"))
    with ThreadPoolExecutor(len(servers)) as waiting:  # at once: none is thought to be as slow as another
        list(waiting.map(lambda server: server.wait_until_ready(), servers.values()))
    return servers


def _share_cores(sides: tuple[Side, ...]) -> set[int]:
    """Let all sides run on the same cores, and return those that are left for the load generator.

    Left to itself a process stays where it began, and one core may be slower than another for many seconds,
    as another machine on the same processor keeps it busy.
    """
    cores = sorted(os.sched_getaffinity(0))
    count = min(max(len(side.pids) for side in sides), len(cores) - 1)
    if count:
        for task in (task for side in sides for pid in side.pids for task in _threads(pid)):
            os.sched_setaffinity(task, cores[-count:])
    return set(cores[: len(cores) - count])


def _threads(pid: int) -> list[int]:
    return [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]


def _drive(
    plan: RoundPlan, sides: tuple[Side, ...], apart: set[int], sampling: Sampling | None
) -> tuple[list[CpuReading], dict[str, Profile]]:
    for side in sides:
        path = _samples_path(plan, side.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
    (plan.out / "facts.json").unlink(missing_ok=True)
    write_sides(plan.out / "sides.json", sides)
    (plan.out / "workload.json").write_bytes(msgspec.json.encode(plan.workload))
    options = [f"--{name}={plan.out / name}.json" for name in ("sides", "workload")]
    command = [sys.executable, "-m", "loadcheck.driver", *options, f"--out={plan.out}"]
    with ChildProcess(command, log=plan.logs / "driver.log", env=plan.env, folder=plan.folder) as driver:
        os.sched_setaffinity(driver.pid, apart)
        readings = [_read(sides)]
        profiles = _profile(driver, plan, sides, sampling) if sampling else {}
        deadline = time.monotonic() + plan.workload.deadline_s
        while driver.is_running_after(READ_EVERY_S):
            readings.append(_read(sides))
            if time.monotonic() > deadline:
                raise ProcessFailed(driver.describe("did not end in time"))
        if driver.exit_code:
            raise ProcessFailed(driver.describe(f"ended with code {driver.exit_code}"))
        readings.append(_read(sides))
    return readings, profiles


def _profile(
    driver: ChildProcess, plan: RoundPlan, sides: tuple[Side, ...], sampling: Sampling
) -> dict[str, Profile]:
    if not driver.is_running_after(PROFILE_AFTER_S):
        return {}
    return record(sides, sampling, plan.out)


def _read(sides: tuple[Side, ...]) -> CpuReading:
    return CpuReading(time.time(), {side.name: side.cpu_s() for side in sides})


def disturbance(
    facts: GeneratorFacts, found: Mapping[str, Samples], readings: Sequence[CpuReading], foreign_share: float
) -> str:
    """Say what kept a round from telling anything; nothing when it counts."""
    if not facts.has_spawned:
        return "not all users came up"
    if not all(len(samples) for samples in found.values()):
        return "nobody was asked"
    if facts.arrivals and facts.arrivals.dropped > DROPPED_SHARE * facts.arrivals.due:
        return f"{facts.arrivals.dropped} of {facts.arrivals.due} arrivals found all users busy"
    first, last = readings[0], readings[-1]
    servers = sum(last.used_s[name] - first.used_s[name] for name in found) / (last.at - first.at)
    foreign = facts.machine_busy_cores - facts.own_cores - servers
    if foreign > foreign_share * facts.machine_cores:
        return f"something else kept {foreign:.1f} of {facts.machine_cores} cores busy"
    return ""


def _samples_path(plan: RoundPlan, name: str) -> Path:
    return plan.out / name / "samples.bin"


def _tree(server: Server) -> tuple[int, ...]:
    children = psutil.Process(server.pid).children(recursive=True)
    return (server.pid, *(child.pid for child in children))


def _start_of(name: str, server: Server, at_rest: int) -> Start:
    peak = server.usage(0.0, time.time()).peak_memory_bytes
    return Start(
        side=name, ready_s=server.ready_s or 0.0, memory_bytes=at_rest, peak_bytes=max(peak, at_rest)
    )
