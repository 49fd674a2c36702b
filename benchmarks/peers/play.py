"""Plays all cases with one number of clients: answers are compared first, then rounds are measured."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from benchmarks.peers import machine, wrk
from benchmarks.peers.cases import LOOKUPS, Case
from benchmarks.peers.compare import Comparison, Part
from benchmarks.peers.figures import LIMIT, Measure, Missing
from benchmarks.peers.stand import Stand, recorded
from loadcheck.run.server import Server

SAME_LENGTH: Final = 0.9
"""Of what an answer measured when it was compared: a stretch of wrk ends amid answers."""
LEAST_ANSWERS: Final = 1.5 * wrk.CONNECTIONS
"""A measure of who is slow lasts until there are about so many."""
Tell = Callable[[str], None]
Driven = tuple[wrk.Told, float]
"""What wrk told, and its own CPU time in seconds."""


class Plan(Struct, frozen=True, kw_only=True):
    """How much is measured.

    Attributes:
        seconds: Of each measure, at least.
        tries: How often a measure is made while the machine does something else; the calmest counts.
        warm_up_s: Before the first round, likewise; 0 for none.
        lookups: How many different clients are asked for.
        only: Parts of the names of the cases that are played; none: all.
    """

    rounds: int
    seconds: float
    tries: int = 1
    warm_up_s: float = 1.0
    lookups: int = LOOKUPS
    only: tuple[str, ...] = ()
    seed: int = 1

    def takes(self, case: Case) -> bool:
        """Is this case played?"""
        return not self.only or any(part in case.name for part in self.only)


class Played(Struct, frozen=True):
    """What came of it."""

    measures: list[Measure]
    missing: list[Missing]


def play(stand: Stand, plan: Plan, folder: Path, tell: Tell) -> Played:
    """Start the service, then its peers; compare, warm up and measure."""
    tell(f"{stand.clients:,} clients: starting")
    comparison = Comparison(stand, folder)
    us = stand.start_service()
    cases = filter(plan.takes, comparison.cases(us, plan.lookups))
    offered = [(case, ours) for case in cases if (ours := comparison.ours(us, case))]
    stand.start_peers({case.slug: recorded(case, ours) for case, ours in offered})
    tell(f"{stand.clients:,} clients: comparing answers")
    parts = [comparison.part(case, ours) for case, ours in offered]
    game = Play(stand, plan)
    for part in parts if plan.warm_up_s else ():
        game.warm_up(part)
    for number in range(plan.rounds):
        tell(f"{stand.clients:,} clients: round {number + 1} of {plan.rounds}")
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
        self._begin: dict[tuple[str, str], int] = {}

    def warm_up(self, part: Part) -> None:
        """Drive each for a moment."""
        for name in part.servers:
            self._drive(part, name, self._plan.warm_up_s)
            self._stand.wait_until_calm()

    def measure(self, part: Part, number: int) -> None:
        """Play one round of a case: everyone once, in an order drawn anew."""
        names = list(part.servers)
        self._random.shuffle(names)
        for name in names:
            found = self._calmest(part, number, name)
            self.measures += [found] if found else []

    def _calmest(self, part: Part, number: int, name: str) -> Measure | None:
        """Measure again where the machine was busy; what the server did is not looked at."""
        found = []
        for _ in range(self._plan.tries):
            measure = self._measure_one(part, number, name, part.servers[name])
            self._stand.wait_until_calm()
            if measure is None:
                return None
            found.append(measure)
            if not measure.disturbance.is_noisy:
                break
        return min(found, key=lambda measure: measure.disturbance.cores)

    def _measure_one(self, part: Part, number: int, name: str, server: Server) -> Measure | None:
        started, before = time.time(), machine.look()
        readings, own_s = self._stand.readings(server), time.process_time()
        seconds = max(self._plan.seconds, LEAST_ANSWERS * part.answer_s[name])
        told, generator_s = self._drive(part, name, seconds)
        after, after_readings = machine.look(), self._stand.readings(server)
        spent_s = sum(each.cpu_s for each in after_readings) - sum(each.cpu_s for each in readings)
        own_s = time.process_time() - own_s
        # Searches asked for the first time were not compared, and are longer or shorter than those that were.
        if problem := told.problem(0 if part.case.is_once else SAME_LENGTH * part.answer_bytes):
            self._fail(part.case, name, f"round {number + 1}: {problem}")
            return None
        peak = max(server.usage(started, time.time()).peak_memory_bytes, after_readings[0].memory_bytes)
        return Measure(
            clients=self._stand.clients,
            case=part.case.name,
            server=name,
            round=number,
            requests=told.requests,
            requests_per_s=told.requests_per_s,
            p50_ms=told.p50_us / 1_000,
            p99_ms=told.p99_us / 1_000,
            cpu_s_per_1000=1_000 * spent_s / told.requests,
            memory_mb=(peak + sum(each.memory_bytes for each in after_readings[1:])) / 1e6,
            generator_cores=generator_s * 1e6 / told.elapsed_us,
            disturbance=machine.disturbance(before, after, spent_s + generator_s + own_s),
        )

    def _drive(self, part: Part, name: str, seconds: float) -> Driven:
        """Run wrk once; what each is asked goes on where it stopped the last time."""
        self._stand.choose(part.case)
        begin = self._begin.get((part.case.name, name), len(part.case.known) if part.case.is_once else 0)
        drive = wrk.Drive(
            url=part.servers[name].url,
            asks=part.known_asks if name == LIMIT else part.asks,
            begin=begin,
            seconds=seconds,
            headers={"X-API-Key": self._stand.key, **part.case.headers},
        )
        told, generator_s = self._run(drive)
        self._begin[part.case.name, name] = begin + told.requests + wrk.CONNECTIONS
        return told, generator_s

    def _fail(self, case: Case, server: str, why: str) -> None:
        clients = self._stand.clients
        self.missing.append(Missing(clients=clients, case=case.name, server=server, why=why, is_failure=True))
