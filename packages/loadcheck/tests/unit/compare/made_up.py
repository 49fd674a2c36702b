"""Rounds that nobody played: drawn by chance, seeded, in a time of their own."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct
from packages.loadcheck.tests.unit.compare.outcomes import ENVIRONMENT

from loadcheck.compare.base import Checkout
from loadcheck.compare.comparison import BASE, CONTROL, HEAD, Start
from loadcheck.compare.look import CpuReading, judged_round
from loadcheck.compare.profiles import Profile, Sampling
from loadcheck.compare.rounds import Played, RoundPlan
from loadcheck.compare.servers import ComparisonPlan, Surroundings
from loadcheck.judge.scenario import failures
from loadcheck.model.samples import Label, Samples
from loadcheck.model.workload import closed
from loadcheck.run.server import Program

PROGRAM: Final = Program(name="small", command=("python", "/project/server.py", "{port}"))
USERS: Final = closed("users.py:Visitor", users=1, hold_s=1, warm_up_s=0.2)
ANSWER_MS: Final = 2.0
"""What every answer takes, of which half is work."""
COUNT: Final = 600
"""So many ask for each endpoint in a round."""
STARTING_S: Final = 3.0
"""What a round takes beyond its load."""


class Version(Struct, frozen=True, kw_only=True):
    """What a search takes longer, by work and by waiting, and the status and the share of those that fail."""

    work_ms: float = 0.0
    wait_ms: float = 0.0
    status: int = 500
    failing: float = 0.0


class MadeUp:
    """Plays rounds of versions as they are told; `played` are the plans, `sampled` how they were profiled.

    `disturbed` says of a round, by its number, why it does not count; `long_s` what it takes in excess.
    """

    def __init__(
        self,
        *,
        disturbed: Callable[[int], str] = lambda _: "",
        long_s: Mapping[int, float] | None = None,
        state_of: Callable[[Path], str] = lambda _: "",
        **versions: Version,
    ) -> None:
        self.versions = {CONTROL: versions.get(BASE, Version()), BASE: Version(), HEAD: Version(), **versions}
        self.played: list[RoundPlan] = []
        self.sampled: list[Sampling] = []
        self._disturbed = disturbed
        self._long_s = long_s or {}
        self._now_s = 1_000.0
        self._random = np.random.default_rng(1)
        self.around = Surroundings(
            play=self._play,
            now_s=lambda: self._now_s,
            state_of=state_of,
            environment_of=lambda _: ENVIRONMENT,
        )

    def _play(self, plan: RoundPlan, sampling: Sampling | None) -> Played:
        self.played.append(plan)
        self.sampled += [sampling] if sampling else []
        number, begun = len(self.played), self._now_s
        end = begun + plan.workload.stages[-1].hold_s
        self._now_s = end + STARTING_S + self._long_s.get(number, 0.0)
        found = {side: self._answers(self.versions[side], begun, end) for side in plan.programs}
        used = {side: np.nansum(samples.cpu_ms) / 1_000 for side, samples in found.items()}
        return Played(
            round=judged_round(
                found, (begun, end), [CpuReading(begun, dict.fromkeys(found, 0.0)), CpuReading(end, used)]
            ),
            failures={side: failures(samples) for side, samples in found.items()},
            starts=tuple(Start(side=side, ready_s=0.5, memory_bytes=7, peak_bytes=8) for side in found),
            disturbed=self._disturbed(number),
            profiles={side: profiled(self.versions[side], sampling) for side in found if sampling},
        )

    def _answers(self, version: Version, begun: float, end: float) -> Samples:
        """Two in turn: a front page and a search. A process is a little faster or slower than another."""
        labels = (Label("GET", "/", 200), Label("GET", "/search", 200))
        failed = Label("GET", "/search", version.status, f"HTTP {version.status}")
        label = np.arange(2 * COUNT, dtype=np.uint32) % 2
        is_search = label == 1
        luck = self._random.normal(1, 0.005) * self._random.lognormal(0, 0.2, len(label))
        work_ms = luck * (ANSWER_MS / 2 + is_search * version.work_ms)
        response_ms = luck * (ANSWER_MS + is_search * (version.work_ms + version.wait_ms))
        label[is_search & (self._random.random(len(label)) < version.failing)] = 2
        start_s = np.linspace(begun, end - 0.1, len(label))
        return Samples(
            labels=(*labels, failed),
            intended_s=start_s,
            start_s=start_s,
            first_byte_ms=response_ms,
            response_ms=response_ms,
            done_s=start_s + response_ms / 1_000,
            cpu_ms=work_ms,
            size=np.ones(len(label), np.uint64),
            label=label,
        )


def profiled(version: Version, sampling: Sampling) -> Profile:
    """Return what is seen of a version: what waits only where that is asked for."""
    ms = version.work_ms + (version.wait_ms if sampling.sees_waits else 0.0)
    seen = Counter({"answer (server.py)": 500, "look_up (server.py)": int(1_000 * ms)})
    return Profile(seen, seen)


def plan(**settings) -> ComparisonPlan:
    """Return what compares two checkouts that are nowhere, in rounds of 12 s."""
    folders = {BASE: Path("/base"), HEAD: Path("/project")}
    base, head = (
        Checkout(name=name, commit=name[0] * 40, folder=folder, python="python")
        for name, folder in folders.items()
    )
    told = {
        "scenario": "small",
        "project": Path("/project"),
        "base": base,
        "base_name": "main",
        "head": head,
        "program": PROGRAM,
        "workload": USERS,
        "out": Path("/out"),
        "logs": Path("/logs"),
        "round_s": 9.0,
        "limit_s": 120.0,
    }
    return ComparisonPlan(**{**told, **settings})
