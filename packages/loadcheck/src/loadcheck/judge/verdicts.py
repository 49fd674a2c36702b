"""Hold what was measured against what was promised: pure functions."""

import math

from msgspec.structs import replace

from loadcheck.judge.measured import Estimate, Measured
from loadcheck.model.judgement import Check, Interval, Judgement, is_kept
from loadcheck.model.objectives import (
    RATIOS,
    SERVER_FIGURES,
    Limit,
    Objective,
    Verdict,
    objective,
    with_unit,
)
from loadcheck.model.samples import NO_ENDPOINT

NO_REQUEST = "no request to measure it by: is the endpoint named as the users name it?"
NOT_WATCHED = "nobody watches this figure of the server"


def judge(promised: Objective, measured: Measured) -> Judgement:
    """Hold what was measured against an objective.

    Failures that belong to no endpoint count against every endpoint's objective.
    """
    concerned = measured.of(promised.endpoint)
    punctual = concerned.samples.where(lambda label: bool(label.failure) and not label.is_late)
    return Judgement(
        objective=promised,
        figures=concerned.summary(),
        punctual_failures=len(punctual),
        checks=tuple(check(limit, concerned) for limit in promised.limits),
    )


def with_the_rest(promised: tuple[Objective, ...], measured: Measured) -> tuple[Objective, ...]:
    """Add, for every endpoint that no objective concerns, that it does not fail.

    Where there is no endpoint at all, that is asked of all requests: users that never asked have met nothing.
    """
    named = {each.endpoint for each in promised}
    if None in named:
        return promised
    rest = sorted(set(measured.samples.endpoints()) - named - {NO_ENDPOINT})
    return (*promised, *(objective(endpoint) for endpoint in rest)) or (objective(),)


def check(limit: Limit, measured: Measured) -> Check:
    """Hold one figure against a limit.

    With an interval the verdict is met or missed only when all of it lies on one side: it holds the truth
    with 95 % confidence. A ratio that must be 0 or 1 speaks of this run's requests, and needs none.

    Response times hold what the machine and the load generator take, too, which only ever makes them longer:
    so a limit that is met is met. One that is not is held against that as well.
    """
    estimate = measured.estimate(limit.metric)
    verdict, reason = _verdict(limit, estimate)
    if limit.relation == "≤" and verdict != "met" and (share_ms := measured.machine_share_ms(limit.metric)):
        verdict, reason = _verdict_beside_machine(limit, estimate, share_ms)
    interval = None if _is_exact(limit) else estimate.interval
    return Check(limit=limit, figure=estimate.figure, interval=interval, verdict=verdict, reason=reason)


def _verdict(limit: Limit, estimate: Estimate) -> tuple[Verdict, str]:
    if estimate.figure is None:
        return ("inconclusive", NOT_WATCHED if limit.metric in SERVER_FIGURES else NO_REQUEST)
    if estimate.interval is None or _is_exact(limit):
        return ("met" if is_kept(estimate.figure, limit) else "missed", "")
    verdict = _by_interval(limit, estimate.interval)
    if verdict != "missed" and estimate.had < estimate.needed:
        return ("inconclusive", f"{estimate.had} samples, {estimate.needed} needed")
    return verdict, _sensitivity(limit, estimate.interval) if verdict == "inconclusive" else ""


def _verdict_beside_machine(limit: Limit, estimate: Estimate, share_ms: float) -> tuple[Verdict, str]:
    """Hold an estimate against what was promised plus what the machine itself took.

    Where that is more than what was promised, slow servers and slow machines look alike.
    """
    bound = replace(limit, limit=limit.limit + share_ms)
    verdict, reason = _verdict(bound, estimate)
    took = with_unit(limit.metric, share_ms)
    if verdict == "met" and share_ms > limit.limit:
        return "inconclusive", f"the machine alone took {took}: it cannot tell"
    if verdict == "met":
        until = with_unit(limit.metric, bound.limit)
        reason = f"as far as this machine can tell, up to {until}: the machine alone took {took}"
    return verdict, reason


def _by_interval(limit: Limit, interval: Interval) -> Verdict:
    kept = {is_kept(end, limit) for end in (interval.low, interval.high)}
    return "inconclusive" if len(kept) > 1 else "met" if kept == {True} else "missed"


def _sensitivity(limit: Limit, interval: Interval) -> str:
    """Say what this run could have decided: the smallest change it could have seen."""
    ends = (("below", interval.low), ("above", interval.high))
    told = [f"{side} {with_unit(limit.metric, end)}" for side, end in ends if math.isfinite(end)]
    return (
        f"this run could tell only a limit {' or '.join(told)}; a longer one tells more"
        if told
        else ("the samples differ too much between one moment and the next: a longer run tells more")
    )


def _is_exact(limit: Limit) -> bool:
    return limit.relation == "=" or (limit.metric in RATIOS and limit.limit in (0.0, 1.0))
