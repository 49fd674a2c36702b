"""Micro-benchmarks across commits: base and head in rounds of fresh processes, until it is decided.

Two processes of one program differ for as long as they live, by where their memory came to lie, and a machine
is faster in one minute than in the next. So the ratio of a benchmark's figures in one round, both sides'
processes right after each other, is one observation (Kalibera & Jones, "Rigorous Benchmarking in Reasonable
Time", ISMM 2013). The judge is that of the load tests.
"""

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from loadcheck.compare.comparison import BASE, HEAD, Judged, judged, verdict_of
from loadcheck.compare.decide import ChangeVerdict, Rules
from loadcheck.compare.look import CPU, Figure
from loadcheck.compare.micro.round import (
    MicroFailed,
    MicroPlan,
    MicroRound,
    RunSide,
    listed,
    play_micro_round,
    run_side,
)
from loadcheck.compare.shift import Shift
from loadcheck.model.environment import Environment, environment
from loadcheck.model.samples import Floats

LOOK_GROWTH: Final = 1.5
"""So many times as many rounds until the next look: the more looks, the less may be wrong at each."""


class MicroComparison(Struct, frozen=True, kw_only=True):
    """One comparison of micro-benchmarks: the verdict and all that explains it.

    `ratios` are head to base, a round each, by benchmark. `left_out` are the benchmarks that could not be
    measured on both sides, with the reason.
    """

    base: str
    base_name: str
    head: str
    verdict: ChangeVerdict
    figures: tuple[Judged, ...]
    left_out: Mapping[str, str]
    ratios: Mapping[str, tuple[float, ...]]
    rules: Rules
    rounds: int
    took_s: float
    seed: int
    environment: Environment


class Compared(Struct, frozen=True):
    """What came of it, and what all processes measured, for their files."""

    outcome: MicroComparison
    rounds: Sequence[MicroRound]


class MicroSurroundings(Struct, frozen=True, kw_only=True):
    """Where a comparison gets what processes measured, the time in seconds, and what the machine is."""

    run: RunSide = run_side
    now_s: Callable[[], float] = time.monotonic
    environment_of: Callable[[Path], Environment] = environment


REAL_PROCESSES: Final = MicroSurroundings()


def compare_benchmarks(plan: MicroPlan, around: MicroSurroundings = REAL_PROCESSES) -> Compared:
    """Compare, after a round that is not judged: it shows what can be measured, and how long that takes.

    Raises:
        MicroFailed: A side measures nothing, a benchmark fails on head, or the limit is too short.
        ProcessFailed: A process does not end.
    """
    begun = around.now_s()
    order = random.Random(plan.seed)  # noqa: S311 - an order needs no cryptographic randomness
    rehearsal = _rehearse(plan, around)
    round_s = around.now_s() - begun
    look_at = _looks(plan, round_s)
    rules = replace(plan.rules, looks=len(look_at))
    until = begun + plan.limit_s - round_s
    plan = replace(plan, rules=rules)
    rounds, figures = _play_until_decided(plan, around, look_at, until, order)
    outcome = MicroComparison(
        base=plan.base.commit,
        base_name=plan.base_name,
        head=plan.head.commit,
        verdict=verdict_of(figures),
        figures=figures,
        left_out=left_out([rehearsal, *rounds]),
        ratios={name: tuple(np.exp(log_ratios(rounds, name)).tolist()) for name in measured(rounds)},
        rules=rules,
        rounds=len(rounds),
        took_s=around.now_s() - begun,
        seed=plan.seed,
        environment=around.environment_of(plan.project),
    )
    return Compared(outcome, rounds)


def _rehearse(plan: MicroPlan, around: MicroSurroundings) -> MicroRound:
    """Play a round, head first: what is broken there is broken on base, too."""
    rehearsal = {
        side.name: around.run(plan, side, plan.logs / f"0-{side.name}") for side in (plan.head, plan.base)
    }
    if not measured([rehearsal]):
        raise MicroFailed(f"base runs none of them: {listed(left_out([rehearsal]))}")
    return rehearsal


def _looks(plan: MicroPlan, round_s: float) -> list[int]:
    """Return after how many rounds one looks."""
    rounds = int(plan.limit_s / round_s) - 1
    if rounds < plan.fewest:
        needed_s = math.ceil(round_s * (plan.fewest + 2))
        raise MicroFailed(
            f"a round takes {round_s:.1f} s and at least {plan.fewest} are needed: "
            f"allow {needed_s} s (--limit-s), or name fewer benchmarks"
        )
    look_at = [plan.fewest]
    while (following := math.ceil(look_at[-1] * LOOK_GROWTH)) <= rounds:
        look_at.append(following)
    return look_at if look_at[-1] == rounds else [*look_at, rounds]


def _play_until_decided(
    plan: MicroPlan, around: MicroSurroundings, look_at: Sequence[int], until: float, order: random.Random
) -> tuple[list[MicroRound], tuple[Judged, ...]]:
    """Play rounds and look at them until it is decided.

    But for the fewest, none begins after `until`.
    """
    rounds: list[MicroRound] = []

    def is_over() -> bool:
        return len(rounds) >= plan.fewest and around.now_s() > until

    for last in look_at:
        while len(rounds) < last and not is_over():
            rounds.append(play_micro_round(plan, len(rounds) + 1, order, around.run))
        figures = judged(_figures(rounds), plan.rules)
        plan.tell(_told(len(rounds), figures))
        if is_over() or verdict_of(figures) != "inconclusive":
            break
    return rounds, figures


def measured(rounds: Sequence[MicroRound]) -> list[str]:
    """Name the benchmarks that every process of both sides measured."""
    found = [ran.seconds for each in rounds for ran in each.values()]
    return [name for name in found[0] if all(name in seconds for seconds in found)]


def left_out(rounds: Sequence[MicroRound]) -> dict[str, str]:
    """Say of each of head's benchmarks that is not compared where it did not run, and why."""
    known = measured(rounds)
    return {name: _why(rounds, name) for each in rounds for name in each[HEAD].seconds if name not in known}


def _why(rounds: Sequence[MicroRound], name: str) -> str:
    side, ran = next((side, ran) for each in rounds for side, ran in each.items() if name not in ran.seconds)
    return f"{side} cannot run it: {ran.reason(name)}"


def log_ratios(rounds: Sequence[MicroRound], name: str) -> Floats:
    """Return the logarithm of head's figure to base's, a round each."""
    return _logs(rounds, HEAD, name) - _logs(rounds, BASE, name)


def _logs(rounds: Sequence[MicroRound], side: str, name: str) -> Floats:
    return np.log([each[side].seconds[name] for each in rounds])


def _figures(rounds: Sequence[MicroRound]) -> list[Figure]:
    return [_figure(rounds, name) for name in measured(rounds)]


def _figure(rounds: Sequence[MicroRound], name: str) -> Figure:
    """Take the rounds together: each side's geometric mean in ms, and how far they lie apart."""
    base_ms, head_ms = (float(np.exp(_logs(rounds, side, name).mean()) * 1e3) for side in (BASE, HEAD))
    observed = log_ratios(rounds, name)
    error = float(observed.std(ddof=1)) / math.sqrt(len(observed))
    shift = Shift(log_ratio=float(observed.mean()), error=error, blocks=len(observed))
    return Figure(endpoint=name, metric=CPU, base=base_ms, head=head_ms, shift=shift)


def _told(rounds: int, figures: Sequence[Judged]) -> str:
    counts = Counter(figure.verdict for figure in figures)
    return f"{rounds} rounds: " + ", ".join(f"{count} {what}" for what, count in counts.items())
