import csv
import io
import shutil

import msgspec
import pytest

from loadcheck.compare.report import files as comparison_files
from loadcheck.model.objectives import objective
from loadcheck.report import write_all
from loadcheck.report.results_file import encode_record, schema


@pytest.fixture(scope="session")
def played(session_folder, record):
    """The folder of a session that has ended."""
    write_all(session_folder, record)
    return session_folder


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        ("ttl_expiry", 0),
        ("documented_load", 1),
        ("arrival_rate", 2),
        ("breaking_point", 3),
        ("most_users", 0),
    ],
)
def test_the_exit_code_tells_the_verdict(call, played, scenario, code):
    found, out, err = call("verdict", played / "results.json", "--scenario", scenario)
    assert (found, err) == (code, "")
    assert scenario in out


def test_of_all_scenarios_the_worst_verdict_counts(call, played):
    code, out, _ = call("verdict", played / "results.json")
    assert code == 1
    assert "cold_against_warm is void: cold_against_warm/samples.bin is missing" in out


def test_a_finished_run_can_be_judged_by_other_objectives(call, played):
    promise = "/api/v1/clients/: p50_ms=8, min_hit_ratio=0.5"
    code, out, _ = call("verdict", played / "results.json", "--scenario=ttl_expiry", "--objective", promise)
    assert code == 0
    assert "p50 ≤ 8 ms" in out
    assert "hit ≥ 50 %" in out
    assert "p90" not in out


def test_a_finished_run_can_miss_another_objective(call, played):
    code, out, _ = call("verdict", played / "results.json", "--scenario=ttl_expiry", "--objective=p50_ms=1")
    assert code == 1
    assert "2.01 ms" in out


def test_what_cannot_be_decided_is_told_with_its_reason(call, played):
    _, out, _ = call("verdict", played / "results.json", "--scenario=arrival_rate")
    assert "arrival_rate: all requests, p95 ≤ 10 ms: " in out


@pytest.fixture
def changed(call, played, record, tmp_path):
    """Judge the session again with other results recorded."""

    def run(*results, arguments=()):
        out = shutil.copytree(played, tmp_path / "out")
        (out / "results.json").write_bytes(encode_record(msgspec.structs.replace(record, results=results)))
        return call("verdict", out / "results.json", *arguments)

    return run


def test_a_void_attempt_that_was_repeated_has_no_say(changed, results):
    void = msgspec.structs.replace(results["ttl_expiry"], void_reasons=("a busy machine",))
    again = msgspec.structs.replace(results["ttl_expiry"], attempt=2)
    assert changed(void, again)[0] == 0


@pytest.mark.parametrize(("promise", "code"), [("p50_ms=10000", 1), ("dropped_ratio=1", 0)])
def test_whether_arrivals_may_be_dropped_is_for_the_given_objectives_to_say(changed, results, promise, code):
    found, out, _ = changed(results["arrival_rate"], arguments=("--objective", promise))
    assert ("dropped arrivals" in out, found) == (code == 1, code)


def test_an_endpoint_that_nothing_asked_is_inconclusive_again(changed, results):
    promised = results["ttl_expiry"].judgements[0]
    nowhere = msgspec.structs.replace(promised, objective=objective("/nowhere", p50_ms=1))
    again = msgspec.structs.replace(results["ttl_expiry"], judgements=(nowhere,))
    assert changed(again)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--scenario=ttl_expiri",), "no scenario 'ttl_expiri'; there are: ttl_expiry"),
        (("--objective=p95=3",), "'p95' is no metric; did you mean p95_ms?"),
        (("--objective=p95_ms",), "'p95_ms' is no objective: write metric=number, such as p95_ms=10"),
        (("--objective=p95_ms=fast",), "'p95_ms=fast' is no objective"),
        (("--objective=p95_ms=nan",), "'p95_ms=nan' is no objective"),
        (("--objective=",), "'' is no objective"),
        (
            ("--scenario=ttl_expiry", "--objective=calls=1"),
            "nothing measured 'calls'; counters of this run: ",
        ),
        (("--scenario=ttl_expiry", "--objective=/api/v1/client: p95_ms=1"), "nothing asked '/api/v1/client'"),
        (("--nonsense",), "No such option"),
    ],
)
def test_a_wrong_call_is_told_in_one_line(call, played, arguments, complaint):
    code, out, err = call("verdict", played / "results.json", *arguments)
    assert (code, out) == (64, "")
    assert complaint in err
    assert err.startswith("loadcheck: ")
    assert err.count("\n") == 1


def test_a_file_that_is_no_record_is_refused(call, tmp_path):
    (tmp_path / "results.json").write_text("[]")
    code, _, err = call("verdict", tmp_path / "results.json")
    assert code == 64
    assert "is no record of load tests" in err
    assert call("verdict", tmp_path / "none.json")[0] == 64


def test_a_report_is_drawn_anew(call, played, tmp_path):
    code, out, _ = call("report", played / "results.json", "--out", tmp_path / "new.html")
    assert (code, out) == (0, f"{tmp_path / 'new.html'}\n")
    assert (tmp_path / "new.html").read_text() == (played / "report.html").read_text()


def test_a_report_lies_beside_its_record(call, tmp_path, record):
    (tmp_path / "results.json").write_bytes(encode_record(msgspec.structs.replace(record, results=())))
    assert call("report", tmp_path / "results.json")[0] == 0
    assert "No scenario was played." in (tmp_path / "report.html").read_text()


def test_a_report_that_cannot_be_written_is_told(call, played, tmp_path):
    code, _, err = call("report", played / "results.json", "--out", tmp_path / "none" / "new.html")
    assert code == 64
    assert "cannot be written: No such file or directory" in err


def test_samples_are_printed_one_a_line(call, played):
    code, out, _ = call("samples", played / "arrival_rate")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert len(rows) == 4910
    assert rows[0]["endpoint"].startswith("/api/v1/")
    slow = max(rows, key=lambda row: float(row["latency_ms"]))
    waited_ms = (float(slow["start_s"]) - float(slow["intended_s"])) * 1_000
    assert waited_ms > 900
    assert float(slow["latency_ms"]) == pytest.approx(waited_ms + float(slow["response_ms"]), abs=0.01)


def test_samples_count_from_the_start_of_the_run_where_it_is_known(call, played, tmp_path, results):
    (tmp_path / "samples.bin").write_bytes((played / "arrival_rate" / "samples.bin").read_bytes())
    (tmp_path / "facts.json").write_bytes(msgspec.json.encode(results["arrival_rate"].generator))
    _, out, _ = call("samples", tmp_path)
    assert float(next(csv.DictReader(io.StringIO(out)))["start_s"]) < 1


def test_a_folder_without_samples_is_refused(call, tmp_path):
    code, _, err = call("samples", tmp_path)
    assert code == 64
    assert "holds no samples.bin" in err
    (tmp_path / "samples.bin").write_bytes(b"\x00\x00\x00\x02\xc1\xc1")
    assert "is no file of samples" in call("samples", tmp_path)[2]


def test_ctrl_c_is_no_verdict(call, monkeypatch, played):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("loadcheck.cli.record_in", interrupted)
    assert call("verdict", played / "results.json")[0] == 130


def test_the_schemas_are_printed(call):
    assert call("schema") == (0, schema(), "")
    assert call("schema", "compare") == (0, comparison_files.schema(), "")


def test_help_is_no_wrong_call(call):
    assert call("--help")[0] == 0
    assert call()[0] == 64
