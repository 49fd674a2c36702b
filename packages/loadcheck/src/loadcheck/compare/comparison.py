"""What a comparison found, as a record."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct, field
from scipy import special

from loadcheck.compare.decide import ChangeVerdict, Rules, decide, overall, smallest_visible
from loadcheck.compare.look import Curves, Figure
from loadcheck.compare.profiles import Difference
from loadcheck.model.environment import Environment
from loadcheck.model.workload import Workload

BASE: Final = "base"
CONTROL: Final = "control"
HEAD: Final = "head"
SIDES: Final = (BASE, CONTROL, HEAD)
"""Control is base once more: what differs between those two is the machine's doing."""

Conclusion = ChangeVerdict | Literal["failing", "void"]


class Judged(Struct, frozen=True, kw_only=True):
    """One figure on both sides, in ms, and its verdict.

    `change`, `low` and `high` are shares (0.05 is 5 % more), the latter two the bounds of the 95 % interval.
    `visible` is the smallest rise that four runs in five like this one would have called slower.
    """

    endpoint: str
    metric: str
    base: float
    head: float
    change: float
    low: float
    high: float
    verdict: ChangeVerdict
    visible: float

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.endpoint} {self.metric}"


class Start(Struct, frozen=True, kw_only=True):
    """One process of a side: seconds until it was ready, bytes it then held, most bytes it ever held."""

    side: str
    ready_s: float
    memory_bytes: int
    peak_bytes: int


class Comparison(Struct, frozen=True, kw_only=True):
    """One comparison: the verdict and all that explains it.

    `control` are the figures of base against itself, from the same run. `rounds` of fresh processes counted,
    of `looked_s` seconds in all; why others were `disturbed` is told, one reason each. The run was looked at
    `looks` times and took `took_s` seconds, starts included. Head answered `requests`. `failures` counts
    reasons by side. `unmatched` are endpoints that answered on one side alone. `grown` are the functions that
    took longer in head, `curves` each endpoint's response times on both sides.
    """

    scenario: str
    base: str
    base_name: str
    head: str
    verdict: Conclusion
    figures: tuple[Judged, ...] = ()
    control: tuple[Judged, ...] = ()
    void_reasons: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)
    looked_s: float = 0.0
    rounds: int = 0
    disturbed: tuple[str, ...] = ()
    looks: int = 0
    took_s: float = 0.0
    requests: int = 0
    failures: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unmatched: tuple[str, ...] = ()
    starts: tuple[Start, ...] = ()
    grown: tuple[Difference, ...] = ()
    curves: Mapping[str, Curves] = field(default_factory=dict)
    workload: Workload | None = None
    environment: Environment | None = None


def own_failures(failures: Mapping[str, Mapping[str, int]], alpha: float) -> dict[str, int]:
    """Return what head surely fails in more often than base, and how often, the commonest first.

    All sides are asked the same, so of what fails alike head has its share of the sides: a binomial test,
    with Bonferroni's correction over all reasons. `alpha` is the chance to blame head for anything wrongly.
    """
    head = failures.get(HEAD, {})
    total = Counter[str]()
    for side in failures.values():
        total.update(side)
    share = 1 / max(len(failures), 1)
    return {
        reason: count
        for reason, count in sorted(head.items(), key=lambda each: -each[1])
        if special.bdtrc(count - 1, total[reason], share) < alpha / len(total)
    }


def judged(figures: Sequence[Figure], rules: Rules) -> tuple[Judged, ...]:
    """Judge the figures of one look together."""
    verdicts = decide([(figure.metric, figure.shift) for figure in figures], rules)
    return tuple(
        _judged(figure, verdict, smallest_visible(figure.shift, rules, len(figures)))
        for figure, verdict in zip(figures, verdicts, strict=True)
    )


def _judged(figure: Figure, verdict: ChangeVerdict, visible: float) -> Judged:
    bounds = figure.shift.interval()
    return Judged(
        endpoint=figure.endpoint,
        metric=figure.metric,
        base=figure.base,
        head=figure.head,
        change=figure.shift.change,
        low=bounds.low,
        high=bounds.high,
        verdict=verdict,
        visible=visible,
    )


def verdict_of(figures: Sequence[Judged]) -> ChangeVerdict:
    """Return what all figures come to."""
    return overall([(figure.metric, figure.verdict) for figure in figures])


def differing(control: Sequence[Judged]) -> list[str]:
    """Say where base differs from itself, which says that the run cannot be trusted."""
    return [
        f"base differs from itself: {each.name} by {each.change:+.1%}"
        for each in control
        if each.verdict in {"slower", "faster"}
    ]
