import shutil

import pytest

from loadcheck.report import read_record, write_all


@pytest.fixture
def out(tmp_path, session_folder):
    return shutil.copytree(session_folder, tmp_path / "out")


def test_a_session_leaves_every_file(out, record):
    write_all(out, record)
    assert {path.name for path in out.iterdir() if path.is_file()} == {
        "metrics.txt",
        "report.html",
        "results.json",
        "summary.csv",
    }
    assert {path.name for path in (out / "ttl_expiry").iterdir()} == {
        "load-performance.json",
        "samples.bin",
        "ttl_expiry_failures.csv",
        "ttl_expiry_stats.csv",
        "ttl_expiry_stats_history.csv",
    }
    assert read_record(out / "results.json") == record


def test_a_void_run_is_nothing_to_compare_with(out, record):
    write_all(out, record)
    assert not (out / "breaking_point" / "load-performance.json").exists()
    assert (out / "breaking_point" / "breaking_point_stats.csv").exists()


def test_a_session_without_samples_still_gives_a_page(tmp_path, record):
    write_all(tmp_path / "new", record)
    assert "ttl_expiry/samples.bin is missing" in (tmp_path / "new" / "report.html").read_text()


def test_what_an_earlier_session_left_is_not_shown_for_a_void_run(out, record):
    stale = out / "breaking_point" / "load-performance.json"
    stale.write_text("{}")
    write_all(out, record)
    assert not stale.exists()
