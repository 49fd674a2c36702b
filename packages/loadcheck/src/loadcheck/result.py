"""The outcome of one judged scenario, and how a test hears of it."""

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from loadcheck.capacity import Capacity
from loadcheck.facts import GeneratorFacts
from loadcheck.judge import Check, Judgement
from loadcheck.objectives import Verdict, worst
from loadcheck.slowest import SlowRequest
from loadcheck.usage import Moment, Usage
from loadcheck.workload import Workload


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
        """A void run makes all figures void, but excuses neither failures nor a wrong count of calls.

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
