"""What micro-benchmarks measured, as pytest-benchmark keeps it: its `compare` reads it as its own."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from pytest_benchmark.stats import Stats
from pytest_benchmark.utils import get_machine_id

from loadcheck.compare.micro import MicroOutcome
from loadcheck.compare.micro_round import Ran


def write_outcome(path: Path, outcome: MicroOutcome) -> None:
    """Keep the record of a comparison."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(outcome)) + b"\n")


def of_this_machine(storage: Path) -> Path:
    """Return the folder in which pytest-benchmark keeps what was measured on machines like this one."""
    machine: str = get_machine_id()
    return storage / machine


def keep(folder: Path, runs: Sequence[Ran]) -> Path:
    """Keep what one side's processes measured as one run, named by the next number and the commit."""
    folder.mkdir(parents=True, exist_ok=True)
    commit = runs[-1].file["commit_info"]
    suffix = "_uncommitted-changes" if commit["dirty"] else ""
    path = folder / f"{_next_number(folder):04}_{commit['id']}{suffix}.json"
    path.write_text(json.dumps(pooled(runs), indent=4), encoding="utf-8")
    return path


def _next_number(folder: Path) -> int:
    """Count as pytest-benchmark does."""
    known = [int(path.name[:4]) for path in folder.glob("[0-9][0-9][0-9][0-9]_*.json")]
    return max(known, default=0) + 1


def pooled(runs: Sequence[Ran]) -> dict[str, Any]:
    """Return the last run's file with the timings of all of them in its figures, and without the timings."""
    timings: dict[str, list[float]] = {}
    for ran in runs:
        for bench in ran.file["benchmarks"]:
            timings.setdefault(bench["fullname"], []).extend(bench["stats"]["data"])
    last = runs[-1].file
    return {**last, "benchmarks": [_bench(bench, timings[bench["fullname"]]) for bench in last["benchmarks"]]}


def _bench(bench: dict[str, Any], timings: Sequence[float]) -> dict[str, Any]:
    stats = Stats()
    for seconds in timings:
        stats.update(seconds)
    return {**bench, "stats": {**stats.as_dict(), "iterations": bench["stats"]["iterations"]}}
