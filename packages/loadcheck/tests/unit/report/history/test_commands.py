import sys

import msgspec
import pytest

from loadcheck.report.history.measurements import read_history
from loadcheck.report.results_file import encode_record


@pytest.fixture
def results(tmp_path, record):
    path = tmp_path / "results.json"
    path.write_bytes(encode_record(record))
    return path


@pytest.fixture
def path(tmp_path, history):
    """A history of sixty nights."""
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in history))
    return path


def test_results_start_a_history(call, results, tmp_path, record):
    path = tmp_path / "new.jsonl"
    code, out, err = call("history", results, "--to", path)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == str(path)
    (found,) = read_history(path)
    assert found.commit == record.environment.commit
    assert {played.scenario for played in found.scenarios} == {each.scenario for each in record.results}


def test_void_scenarios_are_told(call, results, tmp_path):
    _, out, _ = call("history", results, "--to", tmp_path / "new.jsonl")
    assert out.startswith(
        "breaking_point is void and leaves no figures: something else kept 1.0 of 2 cores busy; "
    )
    assert out.count("is void") == 1


def test_results_are_added_to_a_history_once(call, results, path, history):
    for _ in range(2):
        assert call("history", results, "--to", path)[0] == 0
    assert read_history(path)[:-1] == history
    assert len(read_history(path)) == 61


def test_a_history_with_a_broken_line_is_left_as_it_is(call, results, path):
    path.write_bytes(path.read_bytes() + b"<html>\n")
    before = path.read_bytes()
    code, out, err = call("history", results, "--to", path)
    assert (code, out) == (64, "")
    assert f"{path} is left as it is: line 61: JSON is malformed" in err
    assert path.read_bytes() == before
    assert "line 61: JSON is malformed" in call("trend", path)[2]


@pytest.fixture
def nowhere(record):
    """Results that name no commit."""
    return msgspec.structs.replace(record, environment=msgspec.structs.replace(record.environment, commit=""))


def test_results_that_name_no_commit_are_refused(call, results, nowhere, tmp_path):
    results.write_bytes(encode_record(nowhere))
    code, _, err = call("history", results, "--to", tmp_path / "new.jsonl")
    assert code == 64
    assert "cannot be added to a history: it names no commit" in err
    assert not (tmp_path / "new.jsonl").exists()


def test_a_history_that_cannot_be_written_is_told(call, results, tmp_path):
    code, _, err = call("history", results, "--to", tmp_path / "none" / "new.jsonl")
    assert code == 64
    assert "cannot be read and written: No such file or directory" in err


def test_the_trend_is_drawn_beside_its_history(call, path):
    code, out, _ = call("trend", path)
    assert (code, out) == (0, f"{path.with_name('trend.html')}\n")
    assert (
        "60 commits, 4 changes: 1 for the worse, 3 for the better."
        in path.with_name("trend.html").read_text()
    )


def test_the_trend_is_drawn_where_it_is_wanted(call, path, tmp_path):
    assert call("trend", path, "--out", tmp_path / "other.html")[:2] == (0, f"{tmp_path / 'other.html'}\n")
    code, _, err = call("trend", path, "--out", tmp_path / "none" / "other.html")
    assert code == 64
    assert "cannot be written: No such file or directory" in err


def test_without_otava_the_trend_says_what_is_missing(call, path, monkeypatch):
    monkeypatch.setitem(sys.modules, "otava.analysis", None)
    code, _, err = call("trend", path)
    assert code == 64
    assert "changes are found by apache-otava: " in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(("history",), "Missing argument 'RESULTS'"), (("trend", "none.jsonl"), "'none.jsonl' does not exist")],
)
def test_a_wrong_call_is_told_in_one_line(call, arguments, complaint):
    code, out, err = call(*arguments)
    assert (code, out) == (64, "")
    assert complaint in err
    assert err.count("\n") == 1


def test_where_the_history_goes_must_be_said(call, results):
    code, _, err = call("history", results)
    assert code == 64
    assert "Missing option '--to'" in err
