"""Results as files: `summary.csv` for a spreadsheet, `results.json` as the record to compare with later."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from loadcheck.objectives import Judgement, Objective
from loadcheck.record import Environment
from loadcheck.result import Result
from loadcheck.samples import NO_ENDPOINT, Figures, Samples

SAMPLE_COLUMNS = (
    "start_s",
    "method",
    "endpoint",
    "status",
    "response_ms",
    "bytes",
    "cache",
    "failure",
    "is_judged",
)


class Record(Struct, frozen=True, kw_only=True):
    """All results of a session with what makes them comparable."""

    environment: Environment
    profile: str
    results: tuple[Result, ...]


def write_json(path: Path, record: Record) -> None:
    """Write the record, the verdicts spelled out."""
    content = msgspec.to_builtins(record)
    for plain, result in zip(content["results"], record.results, strict=True):
        plain["verdict"] = result.verdict
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content)))


def write_summary(path: Path, results: Iterable[Result]) -> None:
    """Write one line per objective: the figures, the promised limits, the verdict."""
    limits = [name for name in Objective.__struct_fields__ if name != "endpoint"]
    columns = [
        "scenario",
        "endpoint",
        *Figures.__struct_fields__,
        *(f"limit_{name}" for name in limits),
        "verdict",
    ]
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        for result in results:
            table.writerows(_line(result, judgement, limits) for judgement in result.judgements)


def write_samples(path: Path, samples: Samples, judged_from_s: float) -> None:
    """Write every sample as a line; `is_judged` is 0 for those of spawning and warm-up."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(SAMPLE_COLUMNS)
        rows = zip(
            samples.start_s, samples.done_s, samples.label, samples.response_ms, samples.size, strict=True
        )
        for start_s, done_s, index, response_ms, size in rows:
            label = samples.labels[index]
            known = (label.method, label.endpoint, label.status)
            is_judged = int(done_s >= judged_from_s or label.endpoint == NO_ENDPOINT)
            table.writerow(
                (f"{start_s:.6f}", *known, f"{response_ms:.4f}", size, label.cache, label.failure, is_judged)
            )


def _line(result: Result, judgement: Judgement, limits: list[str]) -> dict[str, Any]:
    return {
        "scenario": result.scenario,
        **msgspec.structs.asdict(judgement.figures),
        **{f"limit_{name}": getattr(judgement.objective, name) for name in limits},
        "endpoint": judgement.objective.endpoint or "",
        "verdict": result.verdict_on(judgement),
    }
