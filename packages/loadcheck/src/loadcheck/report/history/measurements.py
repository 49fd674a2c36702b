"""`history.jsonl`: what sessions of load tests found, a small line for each commit."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from loadcheck.model.judgement import Judgement
from loadcheck.model.objectives import Verdict
from loadcheck.model.result import Result
from loadcheck.report.results_file import Record
from loadcheck.report.words import title

SCHEMA_VERSION: Final = 1
DIGITS: Final = 5
"""More of a figure no run can tell."""

History = tuple["Measurement", ...]
"""Measurements in the order of the file: that in which their commits were first measured."""


class EndpointFigures(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of one endpoint, or of all requests (`endpoint=None`); None where it is not known."""

    endpoint: str | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    rate_per_s: float | None = None
    failure_ratio: float | None = None


class ScenarioFigures(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of one scenario: of a void one why it is, and no figures."""

    scenario: str
    verdict: Verdict
    void_reasons: tuple[str, ...] = ()
    cpu_per_request_ms: float | None = None
    memory_mb: float | None = None
    endpoints: tuple[EndpointFigures, ...] = ()


class Machine(Struct, frozen=True, kw_only=True):
    """Where a session ran."""

    processor: str
    cores: int
    python: str

    @property
    def name(self) -> str:
        """What figures are only compared within: another processor has other figures."""
        return f"{self.processor or 'unknown processor'}, {self.cores} cores"


class Measurement(Struct, frozen=True, kw_only=True):
    """A line of the history: a commit's figures. `at` is the time of the session, in UTC.

    `schema_version` grows when older readers can no longer read the line.
    """

    schema_version: int = SCHEMA_VERSION
    commit: str
    at: str
    has_local_changes: bool
    profile: str
    machine: Machine
    scenarios: tuple[ScenarioFigures, ...]

    @property
    def identity(self) -> tuple[object, ...]:
        """What it measured: this code, in this profile, on this kind of machine."""
        return self.commit, self.has_local_changes, self.profile, self.machine.name


def measurement(record: Record) -> Measurement:
    """Sum up a session; raises ValueError when it has no commit to file it under, or no scenario."""
    where = record.environment
    if not where.commit:
        raise ValueError("it names no commit: it was made outside of a git repository")
    if not record.results:
        raise ValueError("no scenario was played")
    return Measurement(
        commit=where.commit,
        at=where.at,
        has_local_changes=where.has_local_changes,
        profile=record.profile,
        machine=Machine(processor=where.processor, cores=where.cores, python=where.python),
        scenarios=_one_of_each(map(_scenario, record.results)),
    )


def read_history(path: Path) -> History:
    """Read a history; raises OSError, or ValueError naming the line that cannot be read."""
    return tuple(each for _, each in _lines(path))


def add_to_history(path: Path, new: Measurement) -> None:
    """Add a measurement to a history, which may not be there yet.

    A commit has one line: measured again, it keeps its place, and its new figures take that of the old; those
    of a scenario that is void this time, or was not played, stay. The file is there whole at every moment;
    other lines are kept byte by byte.

    Raises:
        ValueError: A line cannot be read; the file is left as it is.
        OSError: It cannot be read or written; likewise.
    """
    lines = _lines(path) if path.exists() else []
    places = [number for number, (_, known) in enumerate(lines) if known.identity == new.identity]
    if places:
        known = lines[places[0]][1]
        new = msgspec.structs.replace(new, scenarios=_one_of_each((*known.scenarios, *new.scenarios)))
        lines[places[0]] = (msgspec.json.encode(new), new)
    else:
        lines.append((msgspec.json.encode(new), new))
    _write(path, b"".join(line + b"\n" for line, _ in lines))


def _one_of_each(scenarios: Iterable[ScenarioFigures]) -> tuple[ScenarioFigures, ...]:
    """Keep the last of each name; what is void never takes the place of what is not."""
    kept: dict[str, ScenarioFigures] = {}
    for each in scenarios:
        if not each.void_reasons or each.scenario not in kept:
            kept[each.scenario] = each
    return tuple(kept.values())


def _scenario(result: Result) -> ScenarioFigures:
    name = title(msgspec.structs.replace(result, attempt=1))
    if result.void_reasons:
        return ScenarioFigures(scenario=name, verdict=result.verdict, void_reasons=result.void_reasons)
    usage = result.usage.get(result.under_test)
    rate_per_s = _whole_rate(result.judgements)
    return ScenarioFigures(
        scenario=name,
        verdict=result.verdict,
        cpu_per_request_ms=_short(1_000 * usage.cores / rate_per_s) if usage and rate_per_s else None,
        memory_mb=_short(usage.peak_memory_bytes / 1e6) if usage else None,
        endpoints=tuple(map(_endpoint, _by_endpoint(result.judgements).values())),
    )


def _by_endpoint(judgements: Iterable[Judgement]) -> Mapping[str | None, Judgement]:
    return {judgement.objective.endpoint: judgement for judgement in judgements}


def _whole_rate(judgements: Iterable[Judgement]) -> float:
    """Return how many requests ended a second: every endpoint is judged, or all of them together."""
    found = _by_endpoint(judgements)
    counted = [found[None]] if None in found else found.values()
    return sum(judgement.figures.rate_per_s for judgement in counted)


def _endpoint(judgement: Judgement) -> EndpointFigures:
    figures = judgement.figures
    return EndpointFigures(
        endpoint=judgement.objective.endpoint,
        p50_ms=_short(figures.p50_ms),
        p95_ms=_short(figures.p95_ms),
        p99_ms=_short(figures.p99_ms),
        rate_per_s=_short(figures.rate_per_s or None),  # 0: asked one at a time, without a rate
        failure_ratio=_short(figures.failure_ratio) if figures.requests else None,
    )


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def _lines(path: Path) -> list[tuple[bytes, Measurement]]:
    lines = enumerate(path.read_bytes().split(b"\n"), 1)
    return [(line, _decoded(number, line)) for number, line in lines if line.strip()]


def _decoded(number: int, line: bytes) -> Measurement:
    try:
        return _measurement(msgspec.json.decode(line))
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error


def _measurement(plain: Any) -> Measurement:
    version = plain.get("schema_version") if isinstance(plain, dict) else None
    if version != SCHEMA_VERSION:
        raise ValueError(f"schema_version is {version!r}, but only {SCHEMA_VERSION} can be read")
    return msgspec.convert(plain, Measurement)


def _write(path: Path, content: bytes) -> None:
    """Write a file beside it, which then takes its place in one step."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
