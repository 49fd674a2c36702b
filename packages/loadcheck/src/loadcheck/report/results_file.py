"""`results.json`: the record of a session, to be judged, drawn and compared again."""

import math
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from loadcheck.model.environment import Environment
from loadcheck.model.objectives import Verdict, worst
from loadcheck.model.result import Result
from loadcheck.report.schema import allow_null, schema_of, text_of

SCHEMA_VERSION: Final = 1
BOUNDS: Final = {"low": -math.inf, "high": math.inf}
"""What JSON's null stands for in an interval: JSON has no infinity."""


class Record(Struct, frozen=True, kw_only=True):
    """All results of a session with what makes them comparable.

    `schema_version` grows when older readers can no longer read the file.
    """

    environment: Environment
    profile: str
    results: tuple[Result, ...]
    schema_version: int = SCHEMA_VERSION

    @property
    def verdict(self) -> Verdict:
        """The worst of its scenarios' verdicts."""
        return worst(result.verdict for result in self.results)


def encode_record(record: Record) -> bytes:
    """Write a record as JSON, each result with its verdict spelled out."""
    content = msgspec.to_builtins(record)
    for plain, result in zip(content["results"], record.results, strict=True):
        plain["verdict"] = result.verdict
    return msgspec.json.format(msgspec.json.encode(content)) + b"\n"


def decode_record(content: bytes) -> Record:
    """Read what `encode_record` wrote; raises ValueError when it is something else, or of another version."""
    plain = msgspec.json.decode(content)
    version = plain.get("schema_version") if isinstance(plain, dict) else None
    if version != SCHEMA_VERSION:
        raise ValueError(f"schema_version is {version!r}, but only {SCHEMA_VERSION} can be read")
    return msgspec.convert(_with_bounds(plain), Record)


def read_record(path: Path) -> Record:
    """Read a results file; raises OSError, or ValueError when it is no such file."""
    return decode_record(path.read_bytes())


def schema() -> str:
    """Describe `results.json` as a JSON Schema, as it is published."""
    found = schema_of(Record, SCHEMA_VERSION)
    components = found["$defs"]
    allow_null(components["Interval"], *BOUNDS)
    components["Result"]["properties"]["verdict"] = msgspec.json.schema(Verdict)
    components["Result"]["required"].append("verdict")
    return text_of(found)


def _with_bounds(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_with_bounds(each) for each in plain]
    if not isinstance(plain, dict):
        return plain
    if plain.keys() == BOUNDS.keys():
        return {name: BOUNDS[name] if value is None else value for name, value in plain.items()}
    return {name: _with_bounds(value) for name, value in plain.items()}
