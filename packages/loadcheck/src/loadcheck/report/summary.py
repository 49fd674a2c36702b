"""`summary.csv`: one line per objective and per claim, for a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from loadcheck.figures import Figures
from loadcheck.judge import Judgement
from loadcheck.objectives import PREFIXES, Limit
from loadcheck.report.words import title
from loadcheck.result import Result

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
