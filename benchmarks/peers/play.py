"""Plays all cases with one number of clients: answers are compared first, then rounds are measured."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from benchmarks.peers import figures, wrk
from benchmarks.peers.cases import LOOKUPS, Case
from benchmarks.peers.compare import Comparison, Part
from benchmarks.peers.figures import RECORDED, Measure, Missing
from benchmarks.peers.servers.stand import Stand, wanted
from loadcheck.run.server import Server

SAME_LENGTH: Final = 0.9
"""Of what an answer measured when it was compared: a stretch of wrk ends amid answers."""
SPARE: Final = 1.3
"""A measure may take so many times the requests of the one before."""
LEAST_ANSWERS: Final = 1.5 * wrk.CONNECTIONS
"""A measure of who is slow lasts until there are about so many."""
Say = Callable[[str], None]
Driven = tuple[wrk.Counts, float]
"""What wrk printed, and its own CPU time in seconds."""


class Plan(Struct, frozen=True, kw_only=True):
    """How much is measured.

    Attributes:
        seconds: Of each measure, at least.
        tries: How often a measure is made while the machine does something else; the calmest counts.
        lookups: How many different clients are asked for.
        only: Parts of the names of the cases that are played; none: all.
    """

    rounds: int
    seconds: float
    tries: int = 1
    lookups: int = LOOKUPS
    only: tuple[str, ...] = ()
    seed: int = 1

    def takes(self, case: Case) -> bool:
        """Return whether this case is played."""
        return not self.only or any(part in case.name for part in self.only)


class Played(Struct, frozen=True):
    """What came of it."""

    measures: list[Measure]
    missing: list[Missing]


def play(stand: Stand, plan: Plan, folder: Path, say: Say) -> Played:
    """Start the service, then its peers; compare (which warms them) and measure."""
    say(f"{stand.clients:,} clients: starting")
    comparison = Comparison(stand, folder)
    us = stand.start_service()
    cases = filter(plan.takes, comparison.cases(us, plan.lookups))
    offered = [(case, ours) for case in cases if (ours := comparison.ours(us, case))]
    recorded = {
        case.slug: [(ask.path, answer) for ask, answer in zip(case.known, ours, strict=True)]
        for case, ours in offered
    }
    stand.start_peers(recorded, wanted([case for case, _ in offered]))
    say(f"{stand.clients:,} clients: comparing answers")
    parts = [comparison.part(case, ours) for case, ours in offered]
    game = Play(stand, plan)
    for number in range(plan.rounds):
        say(f"{stand.clients:,} clients: round {number + 1} of {plan.rounds}")
        for part in parts:
            game.measure(part, number)
    return Played(game.measures, comparison.missing + game.missing)


class Play:
    """Measures on one stand.

    Attributes:
        measures: What was measured so far.
        missing: What could not be.
    """

    def __init__(self, stand: Stand, plan: Plan, drive: Callable[[wrk.Drive], Driven] = wrk.run) -> None:
        self.measures: list[Measure] = []
        self.missing: list[Missing] = []
        self._stand = stand
        self._plan = plan
        self._run = drive
        self._random = random.Random(plan.seed)  # noqa: S311  # an order, no secret
        self._asked: dict[tuple[str, str], tuple[int, int]] = {}
        """By case and server: where to go on, and how many requests the last measure took."""

    def measure(self, part: Part, number: int) -> None:
        """Play one round of a case: everyone once, in an order drawn anew."""
        names = list(part.servers)
        self._random.shuffle(names)
        for name in names:
            found = self._calmest(part, number, name)
            self.measures += [found] if found else []

    def _calmest(self, part: Part, number: int, name: str) -> Measure | None:
        """Measure again where the machine was busy; what the server did is not looked at."""
        found: list[Measure] = []
        for _ in range(self._plan.tries):
            if self._has_run_out(part, name):
                break
            measure = self._measure_one(part, number, name, part.servers[name])
            self._stand.wait_until_calm()
            if measure is None:
                return None
            found.append(measure)
            if not measure.disturbance.is_noisy:
                break
        return min(found, key=lambda measure: measure.disturbance.cores, default=None)

    def _has_run_out(self, part: Part, name: str) -> bool:
        """Return whether too few requests are left of those that may be asked once only; that is reported."""
        begin, last = self._asked.get((part.case.name, name), (0, 0))
        if not part.case.is_once or name in RECORDED or begin + SPARE * last < len(part.case.asks):
            return False
        self._miss(part.case, name, "all that may be asked once was asked: fewer rounds", is_failure=False)
        return True

    def _measure_one(self, part: Part, number: int, name: str, server: Server) -> Measure | None:
        started, before = time.time(), figures.look()
        readings, own_s = self._stand.readings(server), time.process_time()
        seconds = max(self._plan.seconds, LEAST_ANSWERS * part.answer_s[name])
        counts, generator_s = self._drive(part, name, seconds)
        after, after_readings = figures.look(), self._stand.readings(server)
        spent_s = sum(each.cpu_s for each in after_readings) - sum(each.cpu_s for each in readings)
        own_s = time.process_time() - own_s
        # Searches asked for the first time were not compared, and are longer or shorter than those that were.
        if problem := counts.problem(0 if part.case.is_once else SAME_LENGTH * part.answer_bytes):
            self._miss(part.case, name, f"round {number + 1}: {problem}", is_failure=True)
            return None
        peak = max(server.usage(started, time.time()).peak_memory_bytes, after_readings[0].memory_bytes)
        return Measure(
            clients=self._stand.clients,
            case=part.case.name,
            server=name,
            round=number,
            requests=counts.requests,
            requests_per_s=counts.requests_per_s,
            p50_ms=counts.p50_us / 1_000,
            p99_ms=counts.p99_us / 1_000,
            cpu_s_per_1000=1_000 * spent_s / counts.requests,
            memory_mb=(peak + sum(each.memory_bytes for each in after_readings[1:])) / 1e6,
            generator_cores=generator_s * 1e6 / counts.elapsed_us,
            disturbance=figures.disturbance(before, after, spent_s + generator_s + own_s),
        )

    def _drive(self, part: Part, name: str, seconds: float) -> Driven:
        """Run wrk once; what each is asked goes on where it stopped the last time."""
        self._stand.choose(part.case)
        first = len(part.case.known) if part.case.is_once else 0
        begin, _ = self._asked.get((part.case.name, name), (first, 0))
        drive = wrk.Drive(
            url=part.servers[name].url,
            asks=part.known_asks if name in RECORDED else part.asks,
            begin=begin,
            seconds=seconds,
            headers={**self._stand.headers, **part.case.headers},
        )
        counts, generator_s = self._run(drive)
        sent = counts.requests + wrk.CONNECTIONS
        self._asked[part.case.name, name] = begin + sent, sent
        return counts, generator_s

    def _miss(self, case: Case, server: str, why: str, *, is_failure: bool) -> None:
        """Report once that something was not measured."""
        missing = Missing(
            clients=self._stand.clients, case=case.name, server=server, why=why, is_failure=is_failure
        )
        if missing not in self.missing:
            self.missing.append(missing)
