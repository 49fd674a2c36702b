"""Comparisons of micro-benchmarks that are made up; real ones run in tests/system and tests/perf."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from packages.loadcheck.tests.unit.compare.outcomes import ENVIRONMENT

from loadcheck.compare.base import Checkout
from loadcheck.compare.comparison import BASE, HEAD
from loadcheck.compare.decide import Rules
from loadcheck.compare.micro.benchmarks import MicroComparison, MicroSurroundings, compare_benchmarks
from loadcheck.compare.micro.round import RULES, MicroFailed, MicroPlan, Ran

SAME = "bench/test_tiny.py::test_same"
WORK = "bench/test_tiny.py::test_work"
NEW = "bench/test_new.py::test_new"


class MadeUp:
    """Runs sides that nobody measured; `ran` names them in their order, `folders` is where each went.

    `work` is what a benchmark takes longer on head, by its name and the number of the process, `failures` why
    what failed did, by side. A process takes `takes_s` of a time of its own.
    """

    def __init__(
        self,
        work: Callable[[int], float] = lambda _: 1.0,
        failures: Mapping[str, Mapping[str, str]] | None = None,
        takes_s: Callable[[int], float] = lambda _: 5.0,
    ) -> None:
        self.ran: list[str] = []
        self.folders: list[Path] = []
        self._work = work
        self._failures = failures or {}
        self._takes_s = takes_s
        self._now_s = 1_000.0
        self._random = np.random.default_rng(1)
        self.around = MicroSurroundings(
            run=self._run, now_s=lambda: self._now_s, environment_of=lambda _: ENVIRONMENT
        )

    def _run(self, _: MicroPlan, side: Checkout, folder: Path) -> Ran:
        number = len(self.ran)
        self.ran.append(side.name)
        self.folders.append(folder)
        self._now_s += self._takes_s(number)
        factor = self._work(number) if side.name == HEAD else 1.0
        seconds = {SAME: 1e-3, WORK: factor * 1e-3, **({NEW: 1e-3} if side.name == HEAD else {})}
        luck = self._random.lognormal(0, 0.02, len(seconds))
        benchmarks = [
            {"fullname": name, "stats": {"median": value * each, "data": [value * each], "iterations": 1}}
            for (name, value), each in zip(seconds.items(), luck, strict=True)
        ]
        file = {"commit_info": {"id": side.commit, "dirty": False}, "benchmarks": benchmarks}
        return Ran(file, self._failures.get(side.name, {}))


def plan(**settings) -> MicroPlan:
    base, head = (
        Checkout(name=name, commit=name[0] * 40, folder=Path("/"), python="") for name in (BASE, HEAD)
    )
    told = {"base": base, "base_name": "before", "head": head, "paths": ("bench",), "out": Path("/out")}
    return MicroPlan(**{"project": Path("/"), "logs": Path("/logs"), **told, **settings})


def outcome_of(made: MadeUp, **settings) -> MicroComparison:
    return compare_benchmarks(plan(**settings), made.around).outcome


def verdicts(outcome: MicroComparison) -> dict[str, str]:
    return {figure.endpoint: figure.verdict for figure in outcome.figures}


@pytest.mark.parametrize(("factor", "verdict"), [(1.12, "slower"), (0.9, "faster"), (1.0, "not slower")])
def test_each_verdict_is_that_of_what_changed_alone(factor, verdict):
    outcome = outcome_of(MadeUp(lambda _: factor))
    assert outcome.verdict == verdict
    assert verdicts(outcome) == {SAME: "not slower", WORK: verdict}
    assert [round(figure.change, 1) for figure in outcome.figures] == [0.0, round(factor - 1, 1)]
    assert np.median(outcome.ratios[WORK]) == pytest.approx(factor, rel=0.02)
    assert {len(ratios) for ratios in outcome.ratios.values()} == {outcome.rounds}


def test_it_is_told_what_was_compared_and_for_how_long():
    told: list[str] = []
    made = MadeUp(lambda _: 2.0)
    outcome = outcome_of(made, tell=told.append)
    assert (outcome.base, outcome.base_name, outcome.head) == ("b" * 40, "before", "h" * 40)
    assert (outcome.rounds, outcome.took_s) == (6, 70)  # and one before that is not judged
    assert told == ["6 rounds: 1 not slower, 1 slower"]
    assert len(set(made.folders)) == 14
    assert outcome.rules.margin == RULES.margin


def test_the_order_of_the_sides_changes():
    """Head goes first where nothing is judged: what is broken there is broken on base, too."""
    made = MadeUp()
    outcome_of(made)
    firsts = made.ran[::2]
    assert firsts[0] == HEAD
    assert set(firsts[1:]) == {BASE, HEAD}
    assert all({*pair} == {BASE, HEAD} for pair in zip(firsts, made.ran[1::2], strict=True))


def test_what_base_cannot_run_is_left_out():
    file, answer = NEW.partition("::")[0], "assert 1 == 2"
    base = {file: "No module named 'fresh'", WORK: answer}
    outcome = outcome_of(MadeUp(failures={BASE: base}))
    assert outcome.left_out == {
        NEW: "base cannot run it: No module named 'fresh'",
        WORK: f"base cannot run it: {answer}",
    }
    assert verdicts(outcome) == {SAME: "not slower"}
    assert outcome_of(MadeUp()).left_out == {NEW: "base cannot run it: it was skipped"}


def test_a_base_that_runs_none_is_told():
    with pytest.raises(MicroFailed, match=f"base runs none of them: {SAME}: base cannot run it: odd"):
        outcome_of(MadeUp(failures={BASE: {SAME: "odd", WORK: "odd"}}))


def test_a_process_that_fails_later_ends_it_too():
    def fail_at_the_third(number: int) -> float:
        if number == 3:
            raise MicroFailed("1 failed on head")
        return 1.0

    with pytest.raises(MicroFailed, match="1 failed on head"):
        outcome_of(MadeUp(takes_s=fail_at_the_third))


@pytest.mark.parametrize(("round_s", "rounds"), [(10, 9), (15, 6), (30, 4)])
def test_what_cannot_be_told_in_time_is_inconclusive(round_s, rounds):
    """After 10 s for the first round, others begin for 80 s more; head is by turns slower and faster."""
    made = MadeUp(
        lambda number: 3 if number // 2 % 2 else 0.3,
        takes_s=lambda number: round_s / 2 if number > 1 else 5,
    )
    outcome = outcome_of(made, limit_s=100, fewest=4, rules=Rules(margin=1.0, alike={}))
    assert (outcome.verdict, outcome.rounds, outcome.rules.looks) == ("inconclusive", rounds, 3)


def test_a_limit_that_is_too_short_is_told():
    with pytest.raises(MicroFailed, match=r"takes 10\.0 s and at least 6 are needed: allow 80 s"):
        outcome_of(MadeUp(), limit_s=60)
    assert outcome_of(MadeUp(), limit_s=80).rounds == 6
