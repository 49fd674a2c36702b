"""The outcome of one judged scenario, and how a test hears of it."""

from collections.abc import Mapping

from msgspec import Struct, field

from loadcheck.facts import GeneratorFacts
from loadcheck.objectives import Check, Judgement, Verdict, worst
from loadcheck.usage import Usage
from loadcheck.workload import Workload


class NotMet(AssertionError):
    """The base of both bad verdicts; carries the result."""

    def __init__(self, result: "Result") -> None:
        super().__init__(explain(result))
        self.result = result


class ObjectiveMissed(NotMet):
    """The run was valid and an objective was missed."""


class RunVoid(NotMet):
    """The run says nothing about the server: neither met nor missed."""


class Result(Struct, frozen=True, kw_only=True):
    """One scenario: what was asked, how the run went, and the verdicts.

    `claims` hold figures of the scenario's own, such as a ratio or a count of upstream calls.
    """

    scenario: str
    judgements: tuple[Judgement, ...]
    claims: tuple[Check, ...] = ()
    void_reasons: tuple[str, ...] = ()
    workload: Workload | None = None
    generator: GeneratorFacts | None = None
    usage: Mapping[str, Usage] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """The worst of its judgements and claims."""
        judged = [self.verdict_on(judgement) for judgement in self.judgements]
        return worst([*judged, *(self.verdict_on(check) for check in self.claims)])

    def verdict_on(self, found: Judgement | Check) -> Verdict:
        """A void run makes all figures void, but excuses neither failures nor a wrong count of calls.

        A busy machine makes answers late, not wrong, and causes no second load.
        """
        is_wrong = found.has_failed if isinstance(found, Judgement) else found.is_wrong_count
        if is_wrong:
            return "missed"
        return "void" if self.void_reasons else found.verdict


def insist(result: Result) -> None:
    """Raise `RunVoid` or `ObjectiveMissed` unless every objective was met."""
    __tracebackhide__ = True  # pytest shows the test, not the harness
    if result.verdict != "met":
        raise (RunVoid if result.verdict == "void" else ObjectiveMissed)(result)


def explain(result: Result) -> str:
    """Say what was not met, limit by limit."""
    lines = [f"{result.scenario}: {result.verdict}", *(f"  {reason}" for reason in result.void_reasons)]
    for judgement in result.judgements:
        endpoint = judgement.objective.endpoint or "all requests"
        lines += [f"  {endpoint} {check}" for check in judgement.checks if check.verdict != "met"]
    lines += [f"  {check}" for check in result.claims if check.verdict != "met"]
    lines += [f"  {count} x {failure}" for failure, count in result.failures.items()]
    return "\n".join(lines)
