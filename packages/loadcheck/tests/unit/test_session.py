"""The folder of a session's results: whose it is, and what lies in it."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from loadcheck.generator import Run
from loadcheck.judge import claim
from loadcheck.load_test import LoadTest
from loadcheck.objectives import objective
from loadcheck.process import ProcessFailed
from loadcheck.samples import Label
from loadcheck.session import WRITTEN, LoadSession, Options

GOOD = Label("GET", "/a", 200)


def test_the_record_is_complete(
    load_test: LoadTest, session: LoadSession, run: Callable[..., Run], tmp_path: Path
) -> None:
    load_test.check(run((GOOD, [5.0] * 400)), objective(p99_ms=1_000), claims=(claim("x", 1, "=", 1),))
    session.write()
    record = msgspec.json.decode((tmp_path / "out" / "results.json").read_bytes())
    (result,) = record["results"]
    assert record["environment"]["libraries"]["locust"]
    assert record["profile"] == "short"
    assert result["scenario"] == "small[case]"
    assert result["workload"]["seed"] == 1
    assert result["settings"]["small"]["SMALL_TOKEN"] == "***"
    assert result["usage"]["small"]["peak_memory_bytes"] > 0
    assert result["folder"] == "small-case-"
    assert result["claims"][0]["verdict"] == "met"


def test_results_of_an_earlier_session_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in WRITTEN:
        (tmp_path / name).touch()
    (tmp_path / "scenario").mkdir()
    for name in ("compare.json", "mine.txt", "scenario/compare.html", "scenario/compare-2.html"):
        (tmp_path / name).touch()
    LoadSession(options=Options(project=tmp_path, out=tmp_path)).clear()
    assert {path.name for path in tmp_path.rglob("*")} == {"scenario", "mine.txt"}


def test_all_that_a_session_writes_is_removed_by_the_next(
    load_test: LoadTest, session: LoadSession, samples: Callable[..., object], tmp_path: Path
) -> None:
    load_test.check_samples(samples((GOOD, [1.0])))  # type: ignore[arg-type]  # they are samples
    session.write()
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_file()} == set(WRITTEN)


def test_runs_of_one_name_have_folders_of_their_own(session: LoadSession, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert [session.new_folder("a") for _ in range(3)] == [out / "a", out / "a" / "2", out / "a" / "3"]
    assert [session.new_folder("a", "x") for _ in range(2)] == [out / "a" / "x", out / "a" / "x-2"]


def test_two_sessions_do_not_write_into_one_folder(tmp_path: Path) -> None:
    first, second = (LoadSession(options=Options(project=tmp_path, out=tmp_path / "out")) for _ in range(2))
    first.clear()
    with pytest.raises(ProcessFailed, match="another session is writing its results to"):
        second.clear()
    first.unlock()
    second.clear()
    second.unlock()


def test_results_that_cannot_be_written_are_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    session = LoadSession(options=Options(project=tmp_path, out=tmp_path / "file"))
    with pytest.raises(ProcessFailed, match=r"results cannot be written to \S+/file: File exists"):
        session.clear()
