"""A result's figures as JUnit properties: what every CI shows beside a test."""

from collections.abc import Iterator

from loadcheck.result import Result


def properties_of(result: Result) -> list[tuple[str, object]]:
    """Return names and values: the verdict, then each objective's figures, named after its endpoint."""
    return [("verdict", result.verdict), *_reasons(result), *_figures(result)]


def _reasons(result: Result) -> Iterator[tuple[str, object]]:
    yield from (("void", reason) for reason in result.void_reasons)
    yield from ((f"failed: {failure}", count) for failure, count in result.failures.items())


def _figures(result: Result) -> Iterator[tuple[str, object]]:
    for judgement in result.judgements:
        endpoint = judgement.objective.endpoint
        before, figures = f"{endpoint} " if endpoint else "", judgement.figures
        yield f"{before}requests", figures.requests
        yield f"{before}rate_per_s", round(figures.rate_per_s, 2)
        yield from (
            (f"{before}{name}", round(value, 3))
            for name in ("p50_ms", "p95_ms", "p99_ms")
            if (value := getattr(figures, name)) is not None
        )
        yield from ((f"{before}{check.limit}", check.measured) for check in judgement.checks)
    yield from ((str(check.limit), check.measured) for check in result.claims)
