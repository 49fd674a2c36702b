"""May this run be judged at all? Pure rules over how it went."""

import math
from collections.abc import Iterator

from msgspec import Struct

from loadcheck.model.facts import ArrivalFacts, GeneratorFacts

CHANCE = 4.0
"""Standard deviations by which a Poisson process's count may differ from its mean: one run in 16,000 does."""


class ValidityRules(Struct, frozen=True, kw_only=True):
    """From where on a run says more about the generator or the machine than about the server.

    `generator_cores`: one gevent process has one core, and above four fifths of it its users queue for it.
    `lag_p95_ms`: how late the generator may read an answer or send an arrival, beyond what the machine's own
    timer is late. Lag only ever adds to response times, so it may be as long as the shortest that is promised
    (the verdict takes the generator's share into account: see verdicts.py). `foreign_share`: what others may
    take of the machine. `rate_share`: what closed users must reach of the rate their waits and answers
    allow, and by how much the arrivals may differ from theirs. `users_share`: how many of the users must
    still be there at the end.
    """

    generator_cores: float = 0.8
    lag_p95_ms: float = 3.0
    foreign_share: float = 0.25
    rate_share: float = 0.9
    users_share: float = 0.9


class RunFacts(Struct, frozen=True, kw_only=True):
    """What the rules look at: the generator's facts, the judged requests, the servers' share of the CPU.

    `asked_users` are to be there at the end, 0 where they may leave before; `asked_arrivals` are to be due in
    the judged stretch of an open workload. `promised_ms` is the shortest response time that is promised, 0
    where none is.
    """

    generator: GeneratorFacts
    rate_per_s: float
    mean_answer_s: float
    server_cores: float
    asked_users: int = 0
    asked_arrivals: float = 0.0
    promised_ms: float = 0.0

    @property
    def offered_rate_per_s(self) -> float:
        """The rate of closed users who lose no time: users / (mean wait + mean answer), Little's law."""
        cycle_s = self.generator.mean_wait_s + self.mean_answer_s
        return self.generator.judged.users / cycle_s if cycle_s else 0.0

    def lag_limit_ms(self, rules: ValidityRules) -> float:
        """Return how late the generator may be at P95."""
        machine_ms = self.generator.floor.timer.p95_ms if self.generator.floor else 0.0
        return machine_ms + max(rules.lag_p95_ms, self.promised_ms)

    @property
    def foreign_cores(self) -> float:
        """The cores kept busy by neither the generator nor the servers under test."""
        ours = self.generator.own_cores + self.server_cores
        return max(self.generator.machine_busy_cores - ours, 0.0)


DEFAULT_RULES = ValidityRules()


def void_reasons(facts: RunFacts, rules: ValidityRules = DEFAULT_RULES) -> tuple[str, ...]:
    """Return why the run must not be judged; nothing when it may."""
    return tuple(_reasons(facts, rules))


def _reasons(facts: RunFacts, rules: ValidityRules) -> Iterator[str]:
    generator = facts.generator
    if not generator.has_spawned:
        yield "not all users came up"
    elif generator.users_at_end < rules.users_share * facts.asked_users:
        yield f"of {facts.asked_users} users {generator.users_at_end} were there at the end"
    if generator.cpu_share > rules.generator_cores:
        yield f"the load generator was short of CPU ({generator.cpu_share:.0%} of a core over the whole run)"
    if generator.lag_p95_ms > facts.lag_limit_ms(rules):
        yield f"the load generator lagged ({generator.lag_p95_ms:.1f} ms at P95)"
    if facts.foreign_cores > rules.foreign_share * generator.machine_cores:
        yield f"something else kept {facts.foreign_cores:.1f} of {generator.machine_cores} cores busy"
    if generator.arrivals is None:
        yield from _closed_reasons(facts, rules)
    else:
        yield from _open_reasons(generator.arrivals, facts, rules)


def _open_reasons(arrivals: ArrivalFacts, facts: RunFacts, rules: ValidityRules) -> Iterator[str]:
    asked = facts.asked_arrivals
    if arrivals.late_p95_ms > facts.lag_limit_ms(rules):
        yield f"the load generator sent arrivals late ({arrivals.late_p95_ms:.1f} ms at P95)"
    if asked and abs(arrivals.due - asked) > (1 - rules.rate_share) * asked + CHANCE * math.sqrt(asked):
        yield f"{arrivals.due} arrivals were due, where the stages ask for {asked:,.0f}"


def _closed_reasons(facts: RunFacts, rules: ValidityRules) -> Iterator[str]:
    if facts.rate_per_s < rules.rate_share * facts.offered_rate_per_s:
        yield f"{facts.rate_per_s:.1f} requests/s, where the users offer {facts.offered_rate_per_s:.1f}"
