"""The outcome of one judged scenario, and how a test hears of it."""

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct, field

from loadcheck.model.cache_status import CacheState
from loadcheck.model.facts import GeneratorFacts
from loadcheck.model.judgement import Check, Judgement
from loadcheck.model.objectives import Verdict, worst
from loadcheck.model.resources import Moment, Usage
from loadcheck.model.workload import Workload


class NotMet(AssertionError):
    """The base of the bad verdicts; carries the result."""

    def __init__(self, result: "Result") -> None:
        super().__init__(explain(result))
        self.result = result


class ObjectiveMissed(NotMet):
    """The run was valid and an objective was missed."""


class RunInconclusive(NotMet):
    """The run was valid, but too short or too noisy to tell."""


class RunVoid(NotMet):
    """The run says nothing about the server: neither met nor missed."""


class SlowRequest(Struct, frozen=True, kw_only=True):
    """One request: when it was due in seconds of the run, how long it took, where the time went.

    `waited_ms` passed before it was sent. `server` is the server's state at the time of the answer, None
    where nobody watched.
    """

    at_s: float
    endpoint: str
    status: int
    cache: CacheState
    latency_ms: float
    waited_ms: float
    first_byte_ms: float | None
    server: Moment | None

    def __str__(self) -> str:
        waited = f" after {self.waited_ms:.1f} ms of waiting" if self.waited_ms >= 1 else ""
        first = "" if self.first_byte_ms is None else f", first byte {self.first_byte_ms:.1f} ms"
        answer = " ".join(word for word in (str(self.status), self.cache) if word)
        text = f"at {self.at_s:.2f} s {self.latency_ms:.1f} ms{waited}{first}: {self.endpoint} ({answer})"
        return text + (f"; {_state(self.server)}" if self.server else "")


def _state(moment: Moment) -> str:
    lag = "" if moment.lag_ms is None else f", loop {moment.lag_ms:.1f} ms late"
    return f"server {moment.cores:.2f} cores{lag}, {moment.memory_bytes / 1e6:.0f} MB"


Stop = Literal["server", "limit", "floor", "generator"]
"""The server gave way above the best load; it carries even the limit; not even the floor; or a trial stayed
void, and what the server carries stays unknown.
"""


class Trial(Struct, frozen=True, kw_only=True):
    """One load that was played, and what came of it; `reason` is empty when all was met."""

    load: float
    verdict: Verdict
    reason: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.load:g}: {self.verdict}" + (f" ({self.reason})" if self.reason else "")


class Capacity(Struct, frozen=True, kw_only=True):
    """The highest load that was met and the lowest that was not, with every trial in the order played.

    `gave_way` says why it was not more; it is empty where the server carries even the limit.
    """

    best: float | None
    first_failed: float | None
    trials: tuple[Trial, ...]
    gave_way: str = ""

    @property
    def stopped_by(self) -> Stop:
        """What ended the search."""
        if self.trials[-1].verdict == "void":
            return "generator"
        if self.first_failed is None:
            return "limit"
        return "floor" if self.best is None else "server"

    def __str__(self) -> str:
        best = "not even the lowest" if self.best is None else f"{self.best:g}"
        match self.stopped_by:
            case "limit":
                return f"{best} was met, and no more was tried"
            case "generator":
                return f"{best} was met; {self.gave_way}"
        return f"{best} was met, {self.first_failed:g} was not: {self.gave_way}"

    def is_less_than(self, load: float) -> bool:
        """Return whether a load up to this one was missed; an inconclusive one may be carried."""
        best = self.best or 0.0
        return any(trial.verdict == "missed" and best < trial.load <= load for trial in self.trials)

    @property
    def is_at_limit(self) -> bool:
        """Does the server carry all that was asked, and perhaps more?"""
        return self.stopped_by == "limit"


class Result(Struct, frozen=True, kw_only=True):
    """One scenario: what was asked, how the run went, and the verdicts.

    `folder`, beside the results, holds its samples. `claims` are figures of the scenario's own, such as a
    ratio or a count of upstream calls. `servers` tells each server's readings, `counters` the readings of the
    test's own counters, as pairs of seconds since the start of the run and a value; `under_test` names the
    one that was loaded. `capacity` is the outcome of a search for the highest load. `attempt` counts from 1
    where a void run was repeated.
    """

    scenario: str
    question: str = ""
    attempt: int = 1
    folder: str = ""
    judgements: tuple[Judgement, ...] = ()
    claims: tuple[Check, ...] = ()
    void_reasons: tuple[str, ...] = ()
    workload: Workload | None = None
    generator: GeneratorFacts | None = None
    under_test: str = ""
    usage: Mapping[str, Usage] = field(default_factory=dict)
    servers: Mapping[str, tuple[Moment, ...]] = field(default_factory=dict)
    counters: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    slowest: tuple[SlowRequest, ...] = ()
    capacity: Capacity | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of its judgements and claims."""
        judged = [self.verdict_on(judgement) for judgement in self.judgements]
        return worst([*judged, *(self.verdict_on(check) for check in self.claims)])

    def verdict_on(self, found: Judgement | Check) -> Verdict:
        """Return the verdict on a part: a void run excuses no failures and no wrong counts.

        A busy machine makes answers late, not wrong, and causes no second load.
        """
        if not self.void_reasons:
            return found.verdict
        is_wrong = found.has_failed if isinstance(found, Judgement) else found.is_wrong_count
        return "missed" if is_wrong else "void"


ERRORS: Mapping[Verdict, type[NotMet]] = {
    "missed": ObjectiveMissed,
    "inconclusive": RunInconclusive,
    "void": RunVoid,
}


def insist(result: Result) -> None:
    """Raise the verdict's `NotMet` unless every objective was met."""
    __tracebackhide__ = True  # pytest shows the test, not the harness
    if error := ERRORS.get(result.verdict):
        raise error(result)


def explain(result: Result) -> str:
    """Say what was not met, limit by limit, and what the slowest requests and the server were doing."""
    return "\n".join([f"{result.scenario}: {result.verdict}", *(f"  {line}" for line in _lines(result))])


def _lines(result: Result) -> Iterator[str]:
    yield from result.void_reasons
    for judgement in result.judgements:
        endpoint = judgement.objective.endpoint or "all requests"
        yield from (f"{endpoint} {check}" for check in judgement.checks if check.verdict != "met")
    yield from (str(check) for check in result.claims if check.verdict != "met")
    yield from (f"{count} x {failure}" for failure, count in result.failures.items())
    if result.capacity:
        yield from (str(trial) for trial in result.capacity.trials)
    if result.slowest and result.verdict == "missed":
        yield "the slowest requests, and the server at that time:"
        yield from (f"  {request}" for request in result.slowest)
