import json
import math
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # ships no types
import msgspec
import pytest

from loadcheck.model.judgement import Interval
from loadcheck.report.results_file import Record, decode_record, encode_record, read_record, schema

PUBLISHED = Path(__file__).parents[3] / "docs" / "results.schema.json"


def test_a_record_comes_back_as_it_was_written(record):
    assert decode_record(encode_record(record)) == record


def test_an_interval_without_an_end_is_null_in_the_file_and_infinite_again_when_read(record):
    judgement = record.results[0].judgements[0]
    check = msgspec.structs.replace(judgement.checks[0], interval=Interval(-math.inf, math.inf))
    judgement = msgspec.structs.replace(judgement, checks=(check, *judgement.checks[1:]))
    result = msgspec.structs.replace(record.results[0], judgements=(judgement,))
    unbounded = msgspec.structs.replace(record, results=(result,))
    content = encode_record(unbounded)
    plain = json.loads(content)["results"][0]["judgements"][0]["checks"][0]
    assert plain["interval"] == {"low": None, "high": None}
    assert decode_record(content) == unbounded


def test_the_file_spells_out_each_verdict(record):
    plain = json.loads(encode_record(record))
    assert [result["verdict"] for result in plain["results"]] == [
        "missed",
        "inconclusive",
        "met",
        "void",
        "missed",
        "met",
    ]


def test_a_record_keeps_to_the_published_schema(record):
    jsonschema.validate(json.loads(encode_record(record)), json.loads(PUBLISHED.read_text()))


def test_the_published_schema_refuses_a_record_without_its_version(record):
    plain = json.loads(encode_record(record))
    del plain["schema_version"]
    with pytest.raises(jsonschema.ValidationError, match="schema_version"):
        jsonschema.validate(plain, json.loads(PUBLISHED.read_text()))


def test_the_published_schema_is_current():
    assert PUBLISHED.read_text() == schema(), "renew it: loadcheck schema > docs/results.schema.json"


@pytest.mark.parametrize(
    "content", ['{"schema_version": 99}', "[]", "{}", "nonsense", '{"schema_version": 1}']
)
def test_anything_else_than_a_record_is_refused(content, tmp_path):
    path = tmp_path / "results.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"schema_version|malformed|required"):
        read_record(path)


def test_the_verdict_of_a_session_is_its_worst(record):
    assert record.verdict == "missed"
    assert Record(environment=record.environment, profile="short", results=()).verdict == "void"
