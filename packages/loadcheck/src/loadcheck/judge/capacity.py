"""The highest load that still meets the objectives, found in few trials; playing one is passed in."""

import math
from collections.abc import Callable, Iterator

from msgspec import Struct

from loadcheck.model.result import Capacity, Result, Trial


class Search(Struct, frozen=True, kw_only=True):
    """Where to look, in any unit of load: users, requests per second.

    The load grows (or shrinks, from a `start` that is too much) by the factor `growth`, within `floor` and
    `limit`; then the bracket is halved until it is no wider than `precision` times its lower end.
    `integers` is for loads that can only be whole.

    A load counts as too much when `confirm` trials of it were not met and none was. One would not do: a
    hiccup that strikes one trial in 20 would end one search in six at less than half of the true capacity;
    with two it is less than one in a hundred. What was met needs no second look: its interval lay within
    the objective, and a disturbance makes a server slower, hardly ever faster.

    A void trial is repeated `repeat_void` times.

    Raises:
        ValueError: The numbers make no search.
    """

    start: float
    limit: float
    floor: float = 1.0
    growth: float = 2.0
    precision: float = 0.1
    integers: bool = False
    confirm: int = 2
    repeat_void: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.floor <= self.start <= self.limit < math.inf:
            raise ValueError(
                f"not in order: 0 < floor {self.floor:g} <= start {self.start:g} <= limit {self.limit:g}"
            )
        if self.integers and any(load % 1 for load in (self.floor, self.start, self.limit)):
            raise ValueError("floor, start and limit must be whole")
        if self.growth <= 1 or self.precision <= 0 or self.confirm < 1 or self.repeat_void < 0:
            raise ValueError("wants growth > 1, precision > 0, confirm >= 1 and repeat_void >= 0")


def find_capacity(play: Callable[[float], Trial], search: Search) -> Capacity:
    """Play loads, one after the other, until the highest that is met is known precisely enough."""
    trials: list[Trial] = []
    best: float | None = None
    failed: float | None = None
    gave_way = ""
    while (load := next_load(search, best, failed)) is not None:
        trials += _settled(play, load, search)
        match trials[-1].verdict:
            case "met":
                best = load
            case "missed" | "inconclusive":
                failed, gave_way = load, trials[-1].reason
            case "void":
                gave_way = f"the load generator gave way, not the server: {trials[-1].reason}"
                break
    return Capacity(best=best, first_failed=failed, trials=tuple(trials), gave_way=gave_way)


def next_load(search: Search, best: float | None, failed: float | None) -> float | None:
    """Return which load to play next, given the highest met and the lowest not met; None when that is all."""
    if best is None:
        return search.start if failed is None else _lower(search, failed)
    return _higher(search, best) if failed is None else _between(search, best, failed)


def _lower(search: Search, failed: float) -> float | None:
    if failed <= search.floor:
        return None
    load = failed / search.growth
    return max(float(math.floor(load)) if search.integers else load, search.floor)


def _higher(search: Search, best: float) -> float | None:
    if best >= search.limit:
        return None
    load = best * search.growth
    return min(float(math.ceil(load)) if search.integers else load, search.limit)


def _between(search: Search, best: float, failed: float) -> float | None:
    """Return the geometric middle: precision is relative."""
    width = failed - best
    if width <= search.precision * best or (search.integers and width <= 1):
        return None
    middle = math.sqrt(best * failed)
    return float(round(middle)) if search.integers else middle


def _settled(play: Callable[[float], Trial], load: float, search: Search) -> list[Trial]:
    """Play one load until a trial is met, enough are not, or too many are void: the last one counts."""
    trials: list[Trial] = []
    not_met = void = 0
    while not_met < search.confirm and void <= search.repeat_void:
        trials.append(play(load))
        match trials[-1].verdict:
            case "met":
                break
            case "void":
                void += 1
            case "missed" | "inconclusive":
                not_met += 1
    return trials


def trial_of(load: float, result: Result) -> Trial:
    """Return one load's result as a trial of a search for the highest."""
    return Trial(
        load=load, verdict=result.verdict, reason="; ".join(_reasons(result)), figures=_figures(result)
    )


def _reasons(result: Result) -> Iterator[str]:
    if result.verdict == "met":
        return
    yield from result.void_reasons
    for judgement in result.judgements:
        endpoint = judgement.objective.endpoint or "all requests"
        yield from (
            f"{endpoint} {check.measured} ({check.limit})"
            for check in judgement.checks
            if check.verdict != "met"
        )
    yield from (f"{check.measured} ({check.limit})" for check in result.claims if check.verdict != "met")
    yield from (f"{name} at {usage.cores:.2f} cores" for name, usage in result.usage.items())
    if result.generator:
        yield f"load generator at {result.generator.cpu_share:.2f} cores"


def _figures(result: Result) -> dict[str, float]:
    figures = {f"{name} cores": usage.cores for name, usage in result.usage.items()}
    if result.generator:
        figures["generator cores"] = result.generator.cpu_share
    for judgement in result.judgements[:1]:
        figures["rate_per_s"] = judgement.figures.rate_per_s
        figures["p95_ms"] = judgement.figures.p95_ms or 0.0
    return figures
