"""Every file of results, from a session's record and the samples beside it."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from loadcheck.model.judgement import Figures, Judgement
from loadcheck.model.objectives import PREFIXES, Limit
from loadcheck.model.result import Result
from loadcheck.report.finished import Finished, finished
from loadcheck.report.gitlab import metrics_text, write_load_performance
from loadcheck.report.html.page import Section, render_page, section
from loadcheck.report.locust_csv import write_locust_csv
from loadcheck.report.results_file import Record, encode_record
from loadcheck.report.words import title


def write_all(out: Path, record: Record) -> None:
    """Write everything into `out`, beside the scenarios' folders; one scenario is in memory at a time."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_bytes(encode_record(record))  # first: the rest can be redrawn from it
    write_summary(out / "summary.csv", record.results)
    (out / "metrics.txt").write_text(metrics_text(record.results), encoding="utf-8")
    sections = tuple(
        _write_one(out, number, finished(out, result)) for number, result in enumerate(record.results, 1)
    )
    (out / "report.html").write_text(render_page(record, sections), encoding="utf-8")


def write_report(path: Path, folder: Path, record: Record) -> None:
    """Draw the page anew, with the samples in `folder`."""
    sections = tuple(
        section(number, finished(folder, result)) for number, result in enumerate(record.results, 1)
    )
    path.write_text(render_page(record, sections), encoding="utf-8")


def _write_one(out: Path, number: int, run: Finished) -> Section:
    folder = out / run.result.folder
    if not run.missing:
        write_locust_csv(folder, run)
        summary = folder / "load-performance.json"
        summary.unlink(missing_ok=True)  # an earlier session's would be shown for this one's
        if not run.result.void_reasons:
            write_load_performance(summary, run.measured())
    return section(number, run)


INTERVAL = ("p95_low_ms", "p95_high_ms")
CLAIM = ("claim", "figure")


def write_summary(path: Path, results: Iterable[Result]) -> None:
    """Write the figures, the promised limits (a column for each that occurs) and the verdict."""
    rows = [row for result in results for row in _rows(result)]
    figures = [name for name in Figures.__struct_fields__ if name != "p95_interval"]
    limits = sorted({name for row in rows for name in row if name.startswith("limit_")})
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(
            file, ["scenario", "endpoint", *figures, *INTERVAL, *limits, *CLAIM, "verdict"]
        )
        table.writeheader()
        table.writerows(rows)


def _rows(result: Result) -> Iterator[dict[str, Any]]:
    for judgement in result.judgements:
        yield {
            "scenario": title(result),
            "endpoint": judgement.objective.endpoint or "",
            **_figures(judgement),
            **{_column(limit): limit.limit for limit in judgement.objective.limits},
            "verdict": result.verdict_on(judgement),
        }
    for check in result.claims:
        claim = dict(zip(CLAIM, (str(check.limit), check.figure), strict=True))
        yield {"scenario": title(result), **claim, "verdict": result.verdict_on(check)}


def _figures(judgement: Judgement) -> dict[str, Any]:
    figures = msgspec.structs.asdict(judgement.figures)
    interval = figures.pop("p95_interval")
    return figures | (dict(zip(INTERVAL, (interval.low, interval.high), strict=True)) if interval else {})


def _column(limit: Limit) -> str:
    prefixes = {relation: prefix for prefix, relation in PREFIXES.items()}
    return f"limit_{prefixes.get(limit.relation, '')}{limit.metric}"


def properties_of(result: Result) -> list[tuple[str, object]]:
    """Return JUnit's properties of a test: the verdict, then each objective's figures by endpoint."""
    return [("verdict", result.verdict), *_reasons(result), *_properties(result)]


def _reasons(result: Result) -> Iterator[tuple[str, object]]:
    yield from (("void", reason) for reason in result.void_reasons)
    yield from ((f"failed: {failure}", count) for failure, count in result.failures.items())


def _properties(result: Result) -> Iterator[tuple[str, object]]:
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
