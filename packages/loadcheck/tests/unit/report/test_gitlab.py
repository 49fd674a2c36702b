import json

import msgspec
import numpy as np
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from loadcheck.judge.measured import Measured
from loadcheck.model.samples import Samples
from loadcheck.report.finished import finished
from loadcheck.report.gitlab import k6_metrics, metrics_text, write_load_performance


@pytest.fixture
def measured(session_folder, results):
    return finished(session_folder, results["ttl_expiry"]).measured()


def samples_of(text):
    families = text_string_to_metric_families(text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_summary_has_what_gitlab_reads_of_k6(tmp_path, measured):
    write_load_performance(tmp_path / "load-performance.json", measured)
    metrics = json.loads((tmp_path / "load-performance.json").read_text())["metrics"]
    assert metrics["http_reqs"].keys() == {"count", "rate"}
    assert metrics["http_req_waiting"].keys() == {"avg", "min", "med", "max", "p(90)", "p(95)"}
    assert metrics["checks"] == {"value": 1.0, "passes": 3471, "fails": 0}


def test_waiting_is_the_time_to_the_first_byte(measured):
    exact = np.quantile(measured.samples.first_byte_ms, 0.9)
    assert k6_metrics(measured)["http_req_waiting"]["p(90)"] == pytest.approx(exact, rel=0.2)
    assert exact < 0.9 * np.quantile(measured.samples.latency_ms, 0.9)


def test_a_figure_shows_no_more_digits_than_the_run_can_tell(measured):
    metrics = k6_metrics(measured)
    assert metrics["http_req_waiting"]["p(90)"] == 3.0
    assert metrics["http_reqs"]["rate"] == pytest.approx(100, abs=25)


def test_failures_are_no_time_to_first_byte(session_folder, results):
    metrics = k6_metrics(finished(session_folder, results["documented_load"]).measured())
    assert metrics["checks"]["fails"] == 17
    assert 0 < metrics["checks"]["value"] < 1


def test_where_nothing_answered_there_is_no_waiting():
    metrics = k6_metrics(Measured(samples=Samples()))
    assert metrics["http_req_waiting"] == {}
    assert metrics["http_reqs"]["count"] == 0


def test_the_metrics_are_open_metrics(record):
    text = metrics_text(record.results)
    assert text.endswith("\n# EOF\n")
    found = samples_of(text)
    assert found["loadcheck_failure_ratio", "ttl_expiry", "all"] == 0
    assert found["loadcheck_p90_ms", "ttl_expiry", "all"] == 4
    assert found["loadcheck_claim", "ttl_expiry", "upstream calls"] == 12


def test_a_void_scenario_has_no_metrics(record):
    assert "breaking_point" not in metrics_text(record.results)


def test_any_name_can_be_a_label(results):
    odd = msgspec.structs.replace(results["ttl_expiry"], scenario='a "b"\\c\nd', folder="odd")
    assert ("loadcheck_failure_ratio", 'a "b"\\c\nd', "all") in samples_of(metrics_text([odd]))
