"""What gave way when a load was too much: the limit that was passed, and who was busy meanwhile."""

from collections.abc import Iterator

from loadcheck.capacity import Trial
from loadcheck.result import Result


def trial_of(load: float, result: Result) -> Trial:
    """Tell one load's outcome as a trial of a search for the highest."""
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
