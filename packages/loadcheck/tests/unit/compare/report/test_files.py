import json
import math
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from msgspec.structs import replace
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from loadcheck.compare.report.files import (
    comparison_metrics,
    comparison_properties,
    encode,
    schema,
    write_comparisons,
)

PUBLISHED = Path(__file__).parents[4] / "docs" / "compare.schema.json"
SEARCH = "/api/v1/clients/search"
VERIFY = "/api/v1/clients/{service_id}/verify"


def samples_of(text):
    families = text_string_to_metric_families(text)
    return {tuple(each.labels.values()): each.value for family in families for each in family.samples}


def test_the_record_has_its_version_and_all_that_was_found(slower):
    plain = json.loads(encode([slower]))
    assert plain["schema_version"] == 1
    (told,) = plain["outcomes"]
    assert told["verdict"] == "slower"
    assert told["base_name"] == "origin/main"
    assert [figure["verdict"] for figure in told["figures"]].count("slower") == 2
    assert told["grown"][0]["function"] == "fold (clients/text.py)"


def test_the_record_is_indented_and_ends_with_its_line(slower):
    assert encode([slower]).startswith(b'{\n  "outcomes": [\n')
    assert encode([slower]).endswith(b"}\n")


def test_what_is_unbounded_is_null_in_the_record(inconclusive):
    (told,) = json.loads(encode([inconclusive]))["outcomes"]
    unknown = next(each for each in told["figures"] if each["low"] is None)
    assert (unknown["high"], unknown["visible"]) == (None, None)
    assert all(not math.isnan(each["change"]) for each in told["figures"])


@pytest.mark.parametrize(
    "name", ["slower", "faster", "not_slower", "inconclusive", "failing", "void", "empty"]
)
def test_the_record_keeps_to_the_published_schema(name, request):
    record = json.loads(encode([request.getfixturevalue(name)]))
    jsonschema.validate(record, json.loads(PUBLISHED.read_text()))


def test_the_published_schema_refuses_a_record_without_its_version(slower):
    record = json.loads(encode([slower]))
    del record["schema_version"]
    with pytest.raises(jsonschema.ValidationError, match="schema_version"):
        jsonschema.validate(record, json.loads(PUBLISHED.read_text()))


def test_the_published_schema_is_current():
    told = "renew it: loadcheck schema compare > docs/compare.schema.json"
    assert PUBLISHED.read_text() == schema(), told


def test_what_moved_is_told_in_percent_of_base_and_all_else_is_as_it_was(slower):
    found = samples_of(comparison_metrics([slower]))
    assert len(found) == 13
    moved = {key: value for key, value in found.items() if value != 100}
    assert moved == {
        ("against_base", SEARCH, "P95"): 108.2,
        ("against_base", SEARCH, "CPU"): 141.2,
        ("against_base", VERIFY, "CPU"): 93.9,
    }


def test_two_runs_that_differ_by_noise_alone_leave_the_same_lines(not_slower, inconclusive):
    assert comparison_metrics([not_slower]) == comparison_metrics([inconclusive])


def test_a_void_comparison_has_no_metrics(void, slower):
    assert comparison_metrics([void]) == "# EOF\n"
    assert comparison_metrics([void, slower]) == comparison_metrics([slower])


def test_any_name_can_be_a_label(slower):
    odd = replace(slower, scenario='a "b"\\c\nd')
    assert ('a "b"\\c\nd', SEARCH, "P95") in samples_of(comparison_metrics([odd]))


def test_a_session_leaves_a_record_metrics_and_a_page_for_each_comparison(tmp_path, slower, void):
    other = replace(void, scenario="other[50 users]")
    write_comparisons(tmp_path / "out", [slower, other, slower])
    assert {str(path.relative_to(tmp_path / "out")) for path in tmp_path.rglob("*.*")} == {
        "compare.json",
        "metrics.txt",
        "against_base/compare.html",
        "against_base/compare-2.html",
        "other-50-users-/compare.html",
    }


def test_a_session_without_comparisons_leaves_an_empty_record(tmp_path):
    write_comparisons(tmp_path, [])
    assert json.loads((tmp_path / "compare.json").read_text())["outcomes"] == []
    assert (tmp_path / "metrics.txt").read_text() == "# EOF\n"


def test_junit_is_told_the_verdict_and_each_change(slower, void):
    told = comparison_properties(slower)
    assert told[0] == ("verdict", "slower")
    assert ("/api/v1/clients/search P95 change", 0.0823) in told
    assert ("void", void.void_reasons[0]) in comparison_properties(void)
