import json
from pathlib import Path
from typing import Any

import pytest

from loadcheck.compare.micro.commands import keep
from loadcheck.compare.micro.round import Ran


def ran(*seconds: float, is_dirty: bool = False) -> Ran:
    stats = {"data": list(seconds), "iterations": 10, "median": 99.0}
    commit = {"id": "abc", "dirty": is_dirty}
    return Ran({"commit_info": commit, "benchmarks": [{"fullname": "test_a", "stats": stats}]}, {})


def stats_of(path: Path) -> Any:
    return json.loads(path.read_text())["benchmarks"][0]["stats"]


def test_the_timings_of_all_processes_are_taken_together(tmp_path):
    stats = stats_of(keep(tmp_path, [ran(1.0, 5.0), ran(2.0)]))

    assert (stats["min"], stats["median"], stats["max"], stats["rounds"]) == (1.0, 2.0, 5.0, 3)
    assert "data" not in stats


def test_numbers_go_on(tmp_path):
    names = [keep(tmp_path, [ran(1.0)]).name for _ in range(3)]

    assert names == ["0001_abc.json", "0002_abc.json", "0003_abc.json"]


@pytest.mark.parametrize(
    ("is_dirty", "name"), [(False, "0001_abc.json"), (True, "0001_abc_uncommitted-changes.json")]
)
def test_what_is_not_committed_is_told(tmp_path, is_dirty, name):
    assert keep(tmp_path, [ran(1.0, is_dirty=is_dirty)]).name == name
