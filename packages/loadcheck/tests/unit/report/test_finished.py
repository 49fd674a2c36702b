import msgspec
import pytest

from loadcheck.report.finished import finished


def test_times_count_from_the_start_of_the_run(session_folder, results):
    run = finished(session_folder, results["documented_load"])
    assert 0 <= run.samples.intended_s.min() < 1
    assert run.end_s == pytest.approx(33, abs=1)


def test_only_what_ended_after_the_warm_up_is_judged(session_folder, results):
    run = finished(session_folder, results["documented_load"])
    assert len(run.judged) == results["documented_load"].judgements[0].figures.requests


def test_all_that_the_run_offered_can_be_judged_again(session_folder, results):
    measured = finished(session_folder, results["arrival_rate"]).measured()
    assert (measured.start_s, measured.end_s, measured.dropped) == (3.0, 33.0, 12)
    assert measured.usage == results["arrival_rate"].usage["gateway"]
    assert measured.counters == {"upstream_calls": 12.0}


def test_missing_samples_are_named(session_folder, results):
    run = finished(session_folder, results["cold_against_warm"])
    assert run.missing == "cold_against_warm/samples.bin is missing"
    assert not len(run.samples)


def test_a_result_without_a_folder_kept_no_samples(session_folder, results):
    assert finished(session_folder, results["most_users"]).missing == "no samples were kept"


def test_broken_samples_are_named(tmp_path, results):
    result = msgspec.structs.replace(results["ttl_expiry"], folder="broken")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "samples.bin").write_bytes(b"\x00\x00\x00\x02\xc1\xc1")
    assert "broken/samples.bin cannot be read" in finished(tmp_path, result).missing


def test_a_result_that_was_not_played_is_judged_from_the_first_sample_on(session_folder, results):
    result = msgspec.structs.replace(results["ttl_expiry"], generator=None, usage={}, counters={})
    run = finished(session_folder, result)
    assert len(run.judged) == len(run.samples)
    assert (run.measured().start_s, run.measured().end_s, run.measured().usage) == (0.0, 0.0, None)
