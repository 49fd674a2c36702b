"""Base and head side by side: in each round fresh processes are asked the same, until it is decided."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from loadcheck.compare.base import Checkout, state
from loadcheck.compare.comparison import (
    BASE,
    CONTROL,
    HEAD,
    SIDES,
    Comparison,
    Conclusion,
    Judged,
    differing,
    judged,
    own_failures,
    verdict_of,
)
from loadcheck.compare.decide import Rules
from loadcheck.compare.look import ALL, CPU, Rounds
from loadcheck.compare.profiles import Difference, Sampling, differences
from loadcheck.compare.rounds import FOREIGN_SHARE, Played, RoundPlan, play_round
from loadcheck.model.environment import Environment, environment
from loadcheck.model.workload import Stage, Users, Workload
from loadcheck.run.process import ProcessFailed
from loadcheck.run.server import Program

FEWEST: Final = 2
"""What a single round of processes shows may be these processes' own."""
PROFILED_S: Final = 15.0
BESIDE_S: Final = 5.0
"""The load begins before the profile, and lasts a little longer, in seconds."""
PROFILED_USERS: Final = 8
"""So many users of a closed workload keep both sides busy: a profile has more to see."""
WAITING: Final = 2.0
"""Work makes an answer late by about as much as it costs; waiting, by more than so many times that."""
CURVE_POINTS: Final = 60


class ComparisonPlan(Struct, frozen=True, kw_only=True):
    """What is compared, and how.

    `program` is the project's own; each side runs it with its own code. Rounds of `round_s` seconds go on
    until it is decided, and none begins that would not end within `limit_s` seconds of the beginning. `env`
    reaches the users. A round does not count where others used more than `foreign_share` of the cores. A
    profile takes `profiled_s` seconds.
    """

    scenario: str
    project: Path
    base: Checkout
    base_name: str
    head: Checkout
    program: Program
    workload: Workload
    out: Path
    logs: Path
    env: Mapping[str, str] = {}
    rules: Rules = Rules()
    round_s: float = 15.0
    limit_s: float = 270.0
    foreign_share: float = FOREIGN_SHARE
    profiled_s: float = PROFILED_S
    tell: Callable[[str], None] = lambda _: None

    @property
    def looks(self) -> int:
        """How often a run can be looked at, at the most: after each round but the first."""
        return max(int(self.limit_s / self.round_s) - FEWEST + 1, 1)

    def round_plan(self, number: int) -> RoundPlan:
        """Return what is done in a round."""
        last = replace(self.workload.stages[-1], hold_s=self.round_s)
        return self._round_plan(SIDES, last, number)

    def profile_plan(self) -> RoundPlan:
        """Return what is done while both sides are profiled."""
        last = replace(self.workload.stages[-1], hold_s=self.profiled_s + BESIDE_S)
        if isinstance(last, Users):
            last = replace(last, users=PROFILED_USERS, spawn_rate=float(PROFILED_USERS))
        return self._round_plan((BASE, HEAD), last, 0)

    def _round_plan(self, sides: Sequence[str], last: Stage, number: int) -> RoundPlan:
        return RoundPlan(
            programs={
                side: replace(
                    (self.head if side == HEAD else self.base).program(self.program, self.project),
                    name=f"{self.program.name}-{side}",
                )
                for side in sides
            },
            workload=replace(
                self.workload,
                stages=(*self.workload.stages[:-1], last),
                seed=self.workload.seed + number,
            ),
            folder=self.project,
            out=self.out,
            logs=self.logs,
            env=self.env,
            foreign_share=self.foreign_share,
        )


class Surroundings(Struct, frozen=True, kw_only=True):
    """Where a comparison gets its rounds, the time in seconds, and what it notes of project and machine.

    Made-up rounds show what the judge says of them, in milliseconds and whatever else the machine does.
    """

    play: Callable[[RoundPlan, Sampling | None], Played] = play_round
    now_s: Callable[[], float] = time.monotonic
    state_of: Callable[[Path], str] = state
    environment_of: Callable[[Path], Environment] = environment


REAL: Final = Surroundings()


class Look(Struct, frozen=True):
    """What all rounds so far say: head against base, and base against itself."""

    figures: tuple[Judged, ...] = ()
    control: tuple[Judged, ...] = ()

    @property
    def is_decided(self) -> bool:
        """Is there nothing to wait for?"""
        return bool(differing(self.control)) or verdict_of(self.figures) != "inconclusive"


def compare_servers(plan: ComparisonPlan, around: Surroundings = REAL) -> Comparison:
    """Compare; raises `ProcessFailed` when a server or the load generator fails."""
    begun, before = around.now_s(), around.state_of(plan.project)
    rules = replace(plan.rules, looks=plan.looks)
    played: list[Played] = []
    look, looks = Look(), 0
    for one in _rounds(plan, around, begun):
        played.append(one)
        good = _undisturbed(played)
        plan.tell(one.disturbed or f"round {len(played)} played")
        if one.disturbed or len(good) < FEWEST:
            continue
        look, looks = _look(good, rules), looks + 1
        plan.tell(_told(look))
        if look.is_decided:
            break
    reasons = [*differing(look.control), *_disturbances(played)]
    if around.state_of(plan.project) != before:
        reasons.append("the project was changed while it was compared")
    outcome = _outcome(plan, played, look, rules, reasons)
    grown = _profile(plan, around, look.figures) if outcome.verdict == "slower" else ()
    return replace(
        outcome,
        looks=looks,
        grown=grown,
        took_s=around.now_s() - begun,
        environment=around.environment_of(plan.project),
    )


def _rounds(plan: ComparisonPlan, around: Surroundings, begun: float) -> Iterator[Played]:
    """Play rounds for as long as the next one will end in time, as the longest so far did."""
    longest_s, number = 0.0, 0
    while (at_s := around.now_s()) - begun + longest_s < plan.limit_s:
        number += 1
        yield around.play(plan.round_plan(number), None)
        longest_s = max(longest_s, around.now_s() - at_s)


def _undisturbed(played: Sequence[Played]) -> list[Played]:
    return [one for one in played if not one.disturbed]


def _look(played: Sequence[Played], rules: Rules) -> Look:
    """Compare head with all processes of base, and these among themselves."""
    rounds = Rounds([one.round for one in played], rules.alike)
    return Look(
        judged(rounds.figures((BASE, CONTROL), (HEAD,)), rules),
        judged(rounds.figures((BASE,), (CONTROL,)), rules),
    )


def _profile(plan: ComparisonPlan, around: Surroundings, figures: Sequence[Judged]) -> tuple[Difference, ...]:
    plan.tell("slower: profiling both sides")
    sampling = Sampling(seconds=plan.profiled_s, sees_waits=_is_by_waiting(figures))
    try:
        found = around.play(plan.profile_plan(), sampling).profiles
    except ProcessFailed as error:  # the verdict stands all the same
        plan.tell(f"no profile: {error}")
        return ()
    return tuple(differences(found[BASE], found[HEAD])) if found.keys() == {BASE, HEAD} else ()


def _is_by_waiting(figures: Sequence[Judged]) -> bool:
    """Return whether what has become slower takes far more time than it costs CPU time."""

    def rise_ms(metric: str) -> float:
        slower = [each for each in figures if (each.metric, each.verdict) == (metric, "slower")]
        return sum(each.head - each.base for each in slower if each.endpoint != ALL)

    return max(rise_ms("P50"), rise_ms("P95")) > WAITING * rise_ms(CPU)


def _told(look: Look) -> str:
    counts = Counter(figure.verdict for figure in look.figures)
    return ", ".join(f"{count} {what}" for what, count in counts.items())


def _outcome(
    plan: ComparisonPlan, played: Sequence[Played], look: Look, rules: Rules, void_reasons: Sequence[str]
) -> Comparison:
    good = _undisturbed(played)
    failures = {side: _sum(one.failures[side] for one in played) for side in SIDES}
    rounds = Rounds([one.round for one in good], rules.alike) if good else None
    return Comparison(
        scenario=plan.scenario,
        base=plan.base.commit,
        base_name=plan.base_name,
        head=plan.head.commit,
        verdict=_conclusion(look, failures, rules.alpha, void_reasons),
        figures=look.figures,
        control=look.control,
        void_reasons=tuple(void_reasons),
        rules=rules,
        looked_s=sum(one.round.end - one.round.start for one in good),
        rounds=len(good),
        disturbed=tuple(one.disturbed for one in played if one.disturbed),
        requests=len(rounds.samples((HEAD,))) if rounds else 0,
        failures=failures,
        unmatched=rounds.unmatched((BASE, CONTROL), (HEAD,)) if rounds else (),
        starts=tuple(start for one in played for start in one.starts),
        curves=rounds.curves({BASE: (BASE, CONTROL), HEAD: (HEAD,)}, CURVE_POINTS) if rounds else {},
        workload=plan.workload,
    )


def _sum(counts: Iterator[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def _conclusion(
    look: Look, failures: Mapping[str, Mapping[str, int]], alpha: float, void_reasons: Sequence[str]
) -> Conclusion:
    """Return the verdict: what head alone fails in is head's fault, whatever the machine did."""
    if own_failures(failures, alpha):
        return "failing"
    return "void" if void_reasons else verdict_of(look.figures)


def _disturbances(played: Sequence[Played]) -> Iterator[str]:
    """Say why there were too few rounds that count."""
    disturbed = [one.disturbed for one in played if one.disturbed]
    if 2 * len(disturbed) > len(played) or len(played) - len(disturbed) < FEWEST:
        why = disturbed[-1] if disturbed else "there was no time for more"
        yield f"{len(disturbed)} of {len(played)} rounds were disturbed: {why}"
