"""From a run to its result: judged, with all that explains it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from loadcheck.judge.measured import Measured, measured_in
from loadcheck.judge.validity import RunFacts, void_reasons
from loadcheck.judge.verdicts import judge, with_the_rest
from loadcheck.model.facts import ArrivalFacts
from loadcheck.model.judgement import Check, Judgement, claim
from loadcheck.model.objectives import LATENCY, Objective
from loadcheck.model.resources import Moment
from loadcheck.model.result import Result, SlowRequest
from loadcheck.model.samples import Label, Samples
from loadcheck.run.generator import Run

DROPS = "dropped arrivals"


class Scenario(Struct, frozen=True, kw_only=True):
    """A test's name in reports, the question it asks, and which attempt this is."""

    name: str
    question: str = ""
    attempt: int = 1

    @property
    def folder(self) -> str:
        """Its name as a folder's; each attempt has its own."""
        again = f".attempt-{self.attempt}" if self.attempt > 1 else ""
        return re.sub(r"[^\w.-]+", "-", self.name) + again

    def result(self, **found: Any) -> Result:
        """Put a result under its name."""
        return Result(scenario=self.name, question=self.question, attempt=self.attempt, **found)


def result_of_run(
    scenario: Scenario, run: Run, out: Path, objectives: tuple[Objective, ...], claims: tuple[Check, ...]
) -> Result:
    """Judge a run of the load generator whose files are somewhere in `out`."""
    return scenario.result(
        folder=str(run.folder.relative_to(out)),
        judgements=_judgements(objectives, measured_in(run)),
        claims=(*claims_on_drops(run.facts.arrivals, objectives), *claims),
        void_reasons=void_reasons(_facts(run, objectives)),
        workload=run.workload,
        generator=run.facts,
        under_test=run.under_test,
        usage=run.usage,
        servers=run.servers,
        counters=run.counters,
        settings=run.settings,
        failures=failures(run.judged),
        slowest=slowest(run.judged, run.servers.get(run.under_test, ())),
    )


def result_of_samples(
    scenario: Scenario,
    folder: str,
    samples: Samples,
    objectives: tuple[Objective, ...],
    claims: tuple[Check, ...],
) -> Result:
    """Judge samples that were taken one at a time, without the load generator, and are kept in a folder."""
    return scenario.result(
        folder=folder,
        judgements=_judgements(objectives, Measured(samples=samples)),
        claims=claims,
        failures=failures(samples),
        slowest=slowest(samples, ()),
    )


def _judgements(objectives: tuple[Objective, ...], measured: Measured) -> tuple[Judgement, ...]:
    return tuple(judge(each, measured) for each in with_the_rest(objectives, measured))


def claims_on_drops(arrivals: ArrivalFacts | None, objectives: tuple[Objective, ...]) -> tuple[Check, ...]:
    """Return that no arrival of an open workload was dropped, unless an objective promises something else."""
    is_promised = any(limit.metric == "dropped_ratio" for each in objectives for limit in each.limits)
    if arrivals is None or is_promised:
        return ()
    return (claim(DROPS, arrivals.dropped, "≤", 0),)


def _facts(run: Run, objectives: tuple[Objective, ...]) -> RunFacts:
    judged, window = run.judged, run.facts.judged
    in_time = float((judged.done_s <= window.end_s).sum())
    return RunFacts(
        generator=run.facts,
        rate_per_s=in_time / window.duration_s if window.duration_s else 0.0,
        mean_answer_s=float(judged.response_ms.mean()) / 1_000 if len(judged) else 0.0,
        server_cores=sum(usage.cores for usage in run.whole_usage.values()),
        asked_arrivals=run.workload.judged_arrivals,
        promised_ms=shortest_promise_ms(objectives),
        asked_users=run.workload.users_at_end if run.workload.judge == "warm" else 0,
    )


def shortest_promise_ms(objectives: tuple[Objective, ...]) -> float:
    """Return the shortest response time that is promised, 0 where none is."""
    promised = [limit for each in objectives for limit in each.limits if LATENCY.fullmatch(limit.metric)]
    return min((limit.limit for limit in promised if limit.relation == "≤"), default=0.0)


def failures(samples: Samples) -> dict[str, int]:
    """Count failures by what failed and why."""

    def reason(label: Label) -> str:
        return f"{label.method} {label.endpoint}: {label.failure}".strip()

    return samples.failed().count_by(reason)


def slowest(samples: Samples, moments: Sequence[Moment], count: int = 5) -> tuple[SlowRequest, ...]:
    """Return the slowest successes, the slowest first."""
    good = samples.succeeded()
    order = np.argsort(good.latency_ms)[::-1][:count]
    return tuple(_tell(good, int(index), moments) for index in order)


def _tell(samples: Samples, index: int, moments: Sequence[Moment]) -> SlowRequest:
    label = samples.labels[samples.label[index]]
    first_byte_ms = float(samples.first_byte_ms[index])
    done_s = float(samples.done_s[index])
    return SlowRequest(
        at_s=float(samples.intended_s[index]),
        endpoint=label.endpoint,
        status=label.status,
        cache=label.cache,
        latency_ms=float(samples.latency_ms[index]),
        waited_ms=float(samples.start_s[index] - samples.intended_s[index]) * 1_000,
        first_byte_ms=None if np.isnan(first_byte_ms) else first_byte_ms,
        server=min(moments, key=lambda moment: abs(moment.at_s - done_s), default=None),
    )
