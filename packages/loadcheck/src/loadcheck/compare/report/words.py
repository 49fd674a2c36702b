"""A comparison in plain sentences."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from loadcheck.compare.comparison import (
    BASE,
    CONTROL,
    Comparison,
    Conclusion,
    Judged,
    own_failures,
    verdict_of,
)
from loadcheck.compare.decide import DECIDING, ChangeVerdict, Rules

MINUS: Final = "\N{MINUS SIGN}"
BADNESS: Final[tuple[Conclusion, ...]] = (
    "failing",
    "slower",
    "inconclusive",
    "not slower",
    "faster",
    "void",
)
FUNCTIONS_TOLD: Final = 3


class Endpoint(Struct, frozen=True, kw_only=True):
    """All figures of one endpoint, what they come to, and that in one sentence."""

    name: str
    figures: tuple[Judged, ...]
    verdict: Conclusion
    sentence: str


def headline(outcome: Comparison) -> str:
    """Say in one sentence what came out."""
    match outcome.verdict:
        case "failing":
            return _failing(outcome)
        case "void":
            return f"Void: {_first_of(outcome.void_reasons, 'reason')}."
        case "slower":
            return f"Slower than {outcome.base_name}: {_moved(outcome.figures, 'slower')}."
        case "faster":
            moved = _moved(outcome.figures, "faster")
            return f"Faster than {outcome.base_name}: {moved}; nothing is slower."
        case "inconclusive":
            return f"Inconclusive: {_doubts(outcome.figures)}."
        case "not slower":
            return f"Not slower than {outcome.base_name}: {margins(outcome.rules)}."


def endpoints(outcome: Comparison) -> list[Endpoint]:
    """Return the endpoints, the worst first."""
    names = dict.fromkeys(figure.endpoint for figure in outcome.figures)
    return sorted((_endpoint(outcome, name) for name in names), key=_rank)


def explain(outcome: Comparison) -> str:
    """Say all that a test should say where a comparison has not come out well: a line each."""
    told = () if outcome.void_reasons else endpoints(outcome)
    lines = (*(f"{each.name}: {each.sentence}" for each in told), *remarks(outcome))
    return "\n  ".join((headline(outcome), *lines))


def remarks(outcome: Comparison) -> Iterator[str]:
    """Yield what no figure shows: why it is void, what failed or is not judged, which functions grew."""
    yield from (f"void: {reason}" for reason in outcome.void_reasons)
    for reason, count in _own_failures(outcome).items():
        known = sum(outcome.failures.get(side, {}).get(reason, 0) for side in (BASE, CONTROL))
        yield f"head failed {_counted(count, 'time')}, both of base {_counted(known, 'time')}: {reason}"
    if outcome.unmatched:
        yield f"answered on one side alone, so not judged: {', '.join(outcome.unmatched)}"
    for grown in outcome.grown[:FUNCTIONS_TOLD]:
        took = f"took {grown.head_own_s:.2f} s of the profile, {grown.base_own_s:.2f} s in base"
        yield f"{grown.function} {took}"


def margins(rules: Rules) -> str:
    """Say by how little each metric has risen where nothing is slower."""
    allowed: dict[str, list[str]] = {}
    for metric in sorted(DECIDING, key=lambda metric: (rules.margin_of(metric), metric)):
        allowed.setdefault(as_set(rules.margin_of(metric)), []).append(metric)
    (first, metrics), *others = allowed.items()
    told = [f"{_listed(metrics)} have risen by less than {first}"]
    return ", ".join([*told, *(f"{_listed(each)} by less than {margin}" for margin, each in others)])


def percent(share: float, sign: str = "") -> str:
    """Write a share to a tenth of a percent, from 100 % on to a whole one; `sign="+"` shows every sign."""
    if math.isnan(share):
        return "unknown"
    if math.isinf(share):
        return f"{sign if share > 0 else MINUS}∞"
    digits = 1 if abs(share) < 0.9995 else 0  # noqa: PLR2004 - what would be rounded to 100.0
    return f"{100 * share:{sign}z,.{digits}f} %".replace("-", MINUS)


def as_set(share: float) -> str:
    """Write a share that somebody chose, without more digits than it has."""
    return f"{100 * share:.3g} %"


def interval(figure: Judged, sign: str = "") -> str:
    """Write the 95 % interval of a change."""
    if math.isinf(figure.low) or math.isinf(figure.high):
        return "unbounded"
    return f"{percent(figure.low, sign)} to {percent(figure.high, sign)}"


def three_digits(value: float) -> str:
    """Write a number with three digits that count."""
    return f"{value:#.3g}".rstrip(".") if abs(value) < 999.5 else f"{value:,.0f}"  # noqa: PLR2004 - no 1e+03


def amount(value_ms: float) -> str:
    """Write a time to three digits."""
    return f"{three_digits(value_ms)} ms"


def _own_failures(outcome: Comparison) -> dict[str, int]:
    return own_failures(outcome.failures, outcome.rules.alpha)


def _failing(outcome: Comparison) -> str:
    told = [f"{reason} ({_counted(count, 'time')})" for reason, count in _own_failures(outcome).items()]
    what = f": {_first_of(told, 'reason')}" if told else ""
    return f"Failing: head fails more often than {outcome.base_name}{what}."


def _doubts(figures: Sequence[Judged]) -> str:
    """Return the figure that is least certain, and what the run could have seen of it."""
    doubtful = _of("inconclusive", figures)
    if not doubtful:
        return "there was no figure to compare"
    worst = max(doubtful, key=lambda each: each.visible)
    count = f"{len(doubtful)} of {_counted(len(figures), 'figure')} cannot be told from noise"
    return f"{count}; {worst.name} {_doubt(worst)}"


def _doubt(figure: Judged) -> str:
    if math.isinf(figure.visible):
        return f"is {_at(figure)}, and no rise, however large, would have been seen"
    return f"is {_at(figure)}, where a rise of {percent(figure.visible)} or more would have been seen"


def _at(figure: Judged) -> str:
    return f"at {percent(figure.change, '+')} ({interval(figure, '+')})"


def _moved(figures: Sequence[Judged], verdict: ChangeVerdict) -> str:
    """Name the figure that moved furthest, and how many moved with it."""
    moved = sorted(_of(verdict, figures), key=lambda each: -abs(each.change))
    told = [f"{each.name} by {size} ({bounds})" for each in moved for size, bounds in [_distance(each)]]
    return _first_of(told, "figure")


def _distance(figure: Judged) -> tuple[str, str]:
    """Write how far a figure moved, in its own direction, and the interval of that."""
    if figure.verdict == "faster":
        figure = replace(figure, change=-figure.change, low=-figure.high, high=-figure.low)
    return percent(figure.change), interval(figure)


def _rank(endpoint: Endpoint) -> tuple[int, float]:
    return BADNESS.index(endpoint.verdict), -max(figure.change for figure in endpoint.figures)


def _endpoint(outcome: Comparison, name: str) -> Endpoint:
    figures = tuple(figure for figure in outcome.figures if figure.endpoint == name)
    verdict: Conclusion = "void" if outcome.void_reasons else verdict_of(figures)
    sentence = "Nothing is said of its speed: the run is void."
    if not outcome.void_reasons:
        sentence = _sentence(outcome, figures)
    if any(f" {name}: " in reason for reason in _own_failures(outcome)):
        verdict, sentence = "failing", f"Head fails more often than base. {sentence}"
    return Endpoint(name=name, figures=figures, verdict=verdict, sentence=sentence)


def _sentence(outcome: Comparison, figures: Sequence[Judged]) -> str:
    if {figure.verdict for figure in figures} == {"not slower"}:
        nearest = max(figures, key=lambda each: each.high - outcome.rules.margin_of(each.metric))
        margin = as_set(outcome.rules.margin_of(nearest.metric))
        return f"Not slower: {nearest.metric} comes nearest to the {margin} allowed, {_at(nearest)}."
    text = "; ".join(_clauses(figures))
    return f"{text[:1].upper()}{text[1:]}."


def _clauses(figures: Sequence[Judged]) -> Iterator[str]:
    for figure in (*_of("slower", figures), *_of("faster", figures)):
        now, before = amount(figure.head), amount(figure.base)
        size, bounds = _distance(figure)
        direction = "higher" if figure.verdict == "slower" else "lower"
        yield f"{figure.metric} is {size} {direction} ({bounds}): {now}, was {before}"
    for figure in _of("inconclusive", figures):
        yield f"{figure.metric} cannot be told: it {_doubt(figure)}"
    if steady := [figure.metric for figure in _of("not slower", figures)]:
        yield f"{_listed(steady)} {'is' if len(steady) == 1 else 'are'} not slower"


def _of(verdict: ChangeVerdict, figures: Sequence[Judged]) -> list[Judged]:
    return [figure for figure in figures if figure.verdict == verdict]


def _first_of(told: Sequence[str], what: str) -> str:
    """Return the first, and the number of the others."""
    more = len(told) - 1
    return told[0] + (f", and {_counted(more, f'other {what}')}" if more else "")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
