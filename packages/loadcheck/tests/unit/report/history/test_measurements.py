import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from loadcheck.judge.measured import Measured
from loadcheck.judge.verdicts import judge
from loadcheck.model.environment import Environment
from loadcheck.model.judgement import Judgement, claim
from loadcheck.model.objectives import objective
from loadcheck.model.resources import Usage
from loadcheck.model.result import Result
from loadcheck.model.samples import Label
from loadcheck.report.history.measurements import (
    EndpointFigures,
    Machine,
    ScenarioFigures,
    add_to_history,
    measurement,
    read_history,
)
from loadcheck.report.results_file import Record

GOOD = Label("GET", "/a", 200)
BAD = Label("GET", "/a", 503, "HTTP 503")
USAGE = Usage(
    cpu_s=6.0, cores=0.6, peak_memory_bytes=72_345_678, peak_open_files=9, peak_threads=5, lag_max_ms=None
)
ENVIRONMENT = Environment(
    at="2026-02-03T04:05:06Z",
    commit="c" * 40,
    has_local_changes=True,
    python="3.11.9",
    system="Linux",
    processor="Some Processor 3.0 GHz",
    cores=2,
    memory_bytes=8_000_000_000,
    load_average=(0.5, 0.4, 0.3),
    libraries={},
)


@pytest.fixture
def judged(samples):
    """Judge 99 successes of 0 to 98 ms and a failure, 10 a second."""

    def made(endpoint=None, *, has_rate=True) -> Judgement:
        found = samples((GOOD, np.arange(99.0)), (BAD, [5.0]))
        return judge(
            objective(endpoint, p95_ms=500), Measured(samples=found, end_s=10.0 if has_rate else 0.0)
        )

    return made


def result(name, *judgements, **more) -> Result:
    plain = {"usage": {"server": USAGE}, "under_test": "server", "folder": name}
    return Result(scenario=name, judgements=judgements, **(plain | more))


def session(*results) -> Record:
    return Record(environment=ENVIRONMENT, profile="short", results=results)


def scenarios(*results):
    return measurement(session(*results)).scenarios


def test_a_session_leaves_its_commit_its_machine_and_its_figures(judged):
    found = measurement(session(result("load", judged())))
    assert (found.commit, found.at, found.profile) == ("c" * 40, "2026-02-03T04:05:06Z", "short")
    assert found.has_local_changes
    assert found.machine == Machine(processor="Some Processor 3.0 GHz", cores=2, python="3.11.9")
    (played,) = found.scenarios
    assert (played.scenario, played.verdict, played.memory_mb) == ("load", "missed", 72.346)
    assert played.endpoints == (
        EndpointFigures(p50_ms=49.0, p95_ms=93.1, p99_ms=97.02, rate_per_s=10.0, failure_ratio=0.01),
    )


@pytest.mark.parametrize("endpoints", [("/a",), (None,), (None, "/a"), ("/a", "/a")])
def test_cpu_per_request_counts_every_request_once(judged, endpoints):
    (played,) = scenarios(result("load", *map(judged, endpoints)))
    assert played.cpu_per_request_ms == 60.0  # 0.6 cores, 10 requests a second
    assert [each.endpoint for each in played.endpoints] == list(dict.fromkeys(endpoints))


def test_cpu_per_request_counts_the_requests_of_all_endpoints(judged):
    (played,) = scenarios(result("load", judged("/a"), judged("/a, slowly")))
    assert played.cpu_per_request_ms == 60.0


def test_a_void_scenario_leaves_why_it_is_and_no_figures(judged):
    (played,) = scenarios(result("load", judged(), void_reasons=("a busy machine",)))
    assert played == ScenarioFigures(scenario="load", verdict="missed", void_reasons=("a busy machine",))


def test_of_several_attempts_the_last_that_is_not_void_counts(judged):
    void = result("load", void_reasons=("a busy machine",))
    good = result("load", judged(), folder="load.attempt-2", attempt=2)
    (played,) = scenarios(void, good, msgspec.structs.replace(void, attempt=3, folder="load.attempt-3"))
    assert played.scenario == "load"
    assert played.endpoints


def test_parts_of_a_scenario_are_told_apart(judged):
    found = scenarios(
        result("load", judged(), folder="load/one"), result("load", judged(), folder="load/two")
    )
    assert [played.scenario for played in found] == ["load, one", "load, two"]


def test_what_was_asked_one_at_a_time_has_no_rate(judged):
    (played,) = scenarios(result("probe", judged(has_rate=False)))
    assert played.endpoints[0].rate_per_s is None
    assert played.cpu_per_request_ms is None


def test_a_scenario_of_claims_alone_leaves_its_verdict():
    calls = claim("calls", 3, "\N{LESS-THAN OR EQUAL TO}", 2)
    (played,) = scenarios(Result(scenario="calls", claims=(calls,)))
    assert played == ScenarioFigures(scenario="calls", verdict="missed")


def test_an_endpoint_that_nobody_asked_has_no_figures(judged):
    (played,) = scenarios(result("load", judged("/nowhere")))
    assert played.endpoints == (EndpointFigures(endpoint="/nowhere"),)


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        (
            Record(
                environment=msgspec.structs.replace(ENVIRONMENT, commit=""),
                profile="short",
                results=(result("a"),),
            ),
            "outside of a git repository",
        ),
        (session(), "no scenario was played"),
    ],
)
def test_a_session_that_says_nothing_of_a_commit_is_refused(record, complaint):
    with pytest.raises(ValueError, match=complaint):
        measurement(record)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.jsonl"


def commits(path):
    return [each.commit[:4] for each in read_history(path)]


def test_a_history_grows_by_a_line_for_each_commit(path, nights):
    for night in nights([1.0, 2.0, 3.0]):
        add_to_history(path, night)
    assert read_history(path) == nights([1.0, 2.0, 3.0])
    assert path.read_bytes().count(b"\n") == 3
    assert [each.name for each in path.parent.iterdir()] == ["history.jsonl"]


def test_lines_are_small_and_tell_their_version_first(path, nights):
    add_to_history(path, nights([1.0])[0])
    assert path.read_text().startswith('{"schema_version":1,"commit":"0000')
    assert "null" not in path.read_text()


def test_a_commit_measured_again_keeps_its_place(path, nights):
    first, second = nights([1.0, 2.0])
    (again,) = nights([9.0], at="2026-03-01T00:00:00Z")
    for each in (first, second, again):
        add_to_history(path, each)
    assert read_history(path) == (again, second)


def played(scenario, p95_ms):
    return ScenarioFigures(scenario=scenario, verdict="met", endpoints=(EndpointFigures(p95_ms=p95_ms),))


def test_what_is_void_or_not_played_the_second_time_keeps_its_figures(path, nights):
    (night,) = nights([1.0])
    void = ScenarioFigures(scenario="b", verdict="void", void_reasons=("a busy machine",))
    add_to_history(
        path, msgspec.structs.replace(night, scenarios=(played("a", 1), played("b", 2), played("c", 3)))
    )
    add_to_history(path, msgspec.structs.replace(night, scenarios=(played("a", 9), void, played("d", 4))))
    assert read_history(path)[0].scenarios == (played("a", 9), played("b", 2), played("c", 3), played("d", 4))


def test_what_was_void_at_first_gets_its_figures_the_second_time(path, nights):
    (night,) = nights([1.0])
    void = ScenarioFigures(scenario="a", verdict="void", void_reasons=("a busy machine",))
    add_to_history(path, msgspec.structs.replace(night, scenarios=(void,)))
    add_to_history(path, msgspec.structs.replace(night, scenarios=(played("a", 1),)))
    assert read_history(path)[0].scenarios == (played("a", 1),)


@pytest.mark.parametrize(
    "differently",
    [
        {"has_local_changes": True},
        {"profile": "short"},
        {"machine": Machine(processor="Another Processor", cores=2, python="3.11.9")},
        {"machine": Machine(processor="Some Processor 3.0 GHz", cores=4, python="3.11.9")},
    ],
)
def test_figures_that_cannot_be_compared_do_not_replace_each_other(path, nights, differently):
    (first,), (other,) = nights([1.0]), nights([2.0], **differently)
    add_to_history(path, first)
    add_to_history(path, other)
    assert read_history(path) == (first, other)


def test_lines_of_others_are_kept_byte_by_byte(path, nights):
    first, second, third = nights([1.0, 2.0, 3.0])
    plain = json.loads(msgspec.json.encode(first)) | {"note": "of a newer program"}
    theirs = json.dumps(plain, indent=None).encode() + b"\r\n"
    path.write_bytes(theirs)
    add_to_history(path, second)
    assert path.read_bytes().startswith(theirs)
    assert read_history(path) == (first, second)
    path.write_bytes(path.read_bytes().rstrip(b"\n") + b"\n\n")  # an empty line harms nobody
    add_to_history(path, third)
    assert read_history(path) == (first, second, third)
    add_to_history(path, second)
    assert path.read_bytes().startswith(theirs)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b'{"schema_version":2}', r"line 2: schema_version is 2, but only 1 can be read"),
        (b"{}", r"line 2: schema_version is None, but only 1"),
        (b"[]", r"line 2: schema_version is None, but only 1"),
        (b'{"schema_version":1,"comm', r"line 2: Input data was truncated"),
        (b"<html>", r"line 2: JSON is malformed"),
        (b'{"schema_version":1}', r"line 2: Object missing required field `commit`"),
        (b'{"schema_version":1,"commit":"\xff"}', r"line 2: .*utf-8"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_nothing_is_lost(path, nights, line, complaint):
    first, second = nights([1.0, 2.0])
    add_to_history(path, first)
    before = path.read_bytes() + line + b"\n"
    path.write_bytes(before)
    with pytest.raises(ValueError, match=complaint):
        read_history(path)
    with pytest.raises(ValueError, match=complaint):
        add_to_history(path, second)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "step",
    ["loadcheck.report.history.measurements.os.fsync", "loadcheck.report.history.measurements.Path.replace"],
)
def test_a_write_that_fails_leaves_the_history_as_it_was(path, nights, monkeypatch, step):
    first, second = nights([1.0, 2.0])
    add_to_history(path, first)
    before = path.read_bytes()

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(step, full)
    with pytest.raises(OSError, match="no space left"):
        add_to_history(path, second)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["history.jsonl"]
