import csv

import msgspec

from loadcheck.model.judgement import claim
from loadcheck.report.write import write_summary


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_objective_has_a_line_with_figures_limits_and_verdict(tmp_path, record, results):
    write_summary(tmp_path / "summary.csv", record.results)
    found = rows(tmp_path / "summary.csv")
    assert len(found) == sum(len(result.judgements) + len(result.claims) for result in record.results)
    first = found[0]
    figures = results["documented_load"].judgements[0].figures
    assert (first["scenario"], first["endpoint"], first["verdict"]) == ("documented_load", "", "inconclusive")
    assert float(first["p95_ms"]) == figures.p95_ms
    assert float(first["p95_low_ms"]) == figures.p95_interval.low


def test_a_limit_that_was_not_promised_is_empty(tmp_path, record):
    write_summary(tmp_path / "summary.csv", record.results)
    found = rows(tmp_path / "summary.csv")
    assert (found[0]["limit_min_hit_ratio"], found[0]["limit_service_p95_ms"]) == ("0.9", "")


def test_nothing_to_tell_is_a_head_alone(tmp_path):
    write_summary(tmp_path / "summary.csv", ())
    assert not rows(tmp_path / "summary.csv")


def test_a_missed_claim_has_a_line_of_its_own(tmp_path, results):
    missed = claim("refreshes", 1, "≥", 2)
    result = msgspec.structs.replace(results["ttl_expiry"], claims=(missed,), void_reasons=())
    write_summary(tmp_path / "summary.csv", (result,))
    *_, last = rows(tmp_path / "summary.csv")
    assert (last["claim"], last["figure"], last["verdict"]) == ("refreshes ≥ 2", "1.0", "missed")
