"""The judge is proven: servers and users of known behaviour get the verdict they deserve."""

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadcheck.objectives import Objective, claim
from loadcheck.process import ProcessFailed
from loadcheck.result import ObjectiveMissed, Result, RunVoid
from loadcheck.samples import Label, Samples
from loadcheck.server import Program, Server, serving
from loadcheck.session import LoadTest
from loadcheck.validity import void_reasons
from loadcheck.workload import MARGIN_S, Stage, UserClass, Workload

Asking = Callable[..., Workload]
FEW = Samples((Label("GET", "/a", 200),), [0.0], [0.0], [1.0], [2], [0])


@pytest.fixture
def judged(
    load_test: LoadTest, small_server: Server, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Play users and judge them as if the machine had nothing else to do: other tests run beside this one."""
    monkeypatch.setattr("loadcheck.session.void_reasons", lambda facts: void_reasons(facts)[:0])

    def play(*names: str, **objective: Any) -> Result:
        run = load_test.play(asking(*names), small_server)
        return load_test.check(run, Objective(**objective))

    return play


def test_a_good_server_meets_its_objectives(judged: Callable[..., Result]) -> None:
    (judgement,) = judged("Good", p95_ms=1_000, min_hit_ratio=1).judgements
    assert judgement.figures.requests >= 59
    assert judgement.figures.mean_bytes == 10


def test_fast_500s_are_missed(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match="GET /broken: HTTP 500"):
        judged("Broken", p95_ms=1_000)


def test_wrong_content_is_missed(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match="GET /wrong: wrong content"):
        judged("Wrong", p95_ms=1_000)


def test_a_dropped_request_is_a_failure_and_not_sent_again(
    load_test: LoadTest, asking: Asking, tmp_path: Path
) -> None:
    command = (sys.executable, str(Path(__file__).parent / "dropping_server.py"), "{port}")
    with serving(Program(name="dropping", command=command, ready_path="/count"), logs=tmp_path) as server:
        run = load_test.play(asking("Good"), server)
        received = int(server.get("/count")[1])
    assert received <= len(run.samples)
    assert len(run.samples.failed()) > 10


def test_a_sample_that_cannot_be_recorded_is_a_failure(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match="a request could not be recorded"):
        judged("Unrecordable", p95_ms=1_000)


def test_endpoints_that_no_objective_concerns_must_not_fail_either(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match="GET /broken: HTTP 500"):
        judged("Good", "Broken", endpoint="/good")


def test_a_run_that_promises_nothing_has_met_nothing() -> None:
    assert Result(scenario="empty", judgements=()).verdict == "void"


def test_the_facts_of_an_earlier_run_are_not_taken_for_this_ones(
    load_test: LoadTest, small_server: Server, asking: Asking
) -> None:
    load_test.play(asking("Good", hold_s=0.1), small_server)
    with pytest.raises(ProcessFailed):
        load_test.play(asking("Quitting", hold_s=5), small_server)


def test_slowness_is_missed(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match=r"missed: 1\d\d ms, promised mean ≤ 50 ms"):
        judged("Slow", mean_ms=50)


def test_a_server_that_hangs_is_missed_in_time(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match="8 x GET /hang"):
        judged("Hanging")


def test_a_server_that_dies_is_missed(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match="GET /good: ConnectionRefusedError"):
        judged("Good", "Killer")


def test_an_exception_inside_a_user_is_a_failure_without_its_words(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match=r"KeyError in small_users.py:\d+$") as caught:
        judged("Raising")
    assert "subscriber" not in str(caught.value)


def test_a_user_that_never_gets_to_its_end_is_a_failure(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match="8 x \\(user\\): no answer by the end of the run"):
        judged("Waiting")


def test_a_starved_generator_is_void(load_test: LoadTest, small_server: Server, asking: Asking) -> None:
    run = load_test.play(asking("Starving"), small_server)
    with pytest.raises(RunVoid, match="the load generator lagged"):
        load_test.check(run, Objective(p95_ms=10_000))


def test_too_few_samples_are_void(judged: Callable[..., Result]) -> None:
    with pytest.raises(RunVoid, match="successes, 299 needed"):
        judged("Slow", p99_ms=1_000)


def test_a_generator_that_fails_says_why(load_test: LoadTest, small_server: Server, asking: Asking) -> None:
    with pytest.raises(ProcessFailed, match="KeyError: 'Nobody'"):
        load_test.play(asking("Nobody"), small_server)


def test_a_generator_that_hangs_is_killed(
    load_test: LoadTest, small_server: Server, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Workload, "deadline_s", 0.2)
    with pytest.raises(ProcessFailed, match="was still running after 0 s"):
        load_test.play(asking("Good"), small_server)


def test_stages_follow_each_other(load_test: LoadTest, small_server: Server) -> None:
    more = Stage(users=4, spawn_rate=100, hold_s=0.5)
    first = Stage(users=2, spawn_rate=100, hold_s=0.5)
    user = UserClass(locustfile="small_users.py", name="Good", wait_s=(0.01, 0.02))
    run = load_test.play(Workload(users=(user,), stages=(first, more), judge="all"), small_server)
    assert 2 < run.facts.judged.users < 4
    assert run.facts.mean_wait_s == pytest.approx(0.015, abs=0.005)
    assert len(run.judged) == len(run.samples)


def test_users_that_never_come_up_void_the_run(load_test: LoadTest, small_server: Server) -> None:
    user = UserClass(locustfile="small_users.py", name="Stuck")
    run = load_test.play(
        Workload(users=(user,), stages=(Stage(users=2, spawn_rate=2, hold_s=0.1),), network_timeout_s=0.1),
        small_server,
    )
    assert not run.facts.has_spawned


def test_the_record_is_complete(load_test: LoadTest, small_server: Server, asking: Asking) -> None:
    run = load_test.play(asking("Good", hold_s=0.5), small_server)
    with pytest.raises(RunVoid):
        load_test.check(run, Objective(p99_ms=1_000), claims=(claim("loads", 1, "=", 1),))
    load_test._session.write()
    out = load_test._session.out
    record = msgspec.json.decode((out / "results.json").read_bytes())
    (result,) = record["results"]
    assert record["environment"]["libraries"]["locust"]
    assert result["verdict"] == "void"
    assert result["workload"]["seed"] == 1
    assert result["settings"]["small"]["SMALL_TOKEN"] == "***"
    assert result["usage"]["small"]["peak_memory_bytes"] > 0
    with (out / "small-case-" / "samples.csv").open() as file:
        assert {row["endpoint"] for row in csv.DictReader(file)} == {"/good"}
    with (out / "summary.csv").open() as file:
        assert [row["limit_p99_ms"] for row in csv.DictReader(file)] == ["1000"]


def test_a_void_run_does_not_excuse_a_wrong_count(
    load_test: LoadTest, small_server: Server, asking: Asking
) -> None:
    run = load_test.play(asking("Good", hold_s=0.5), small_server)
    with pytest.raises(ObjectiveMissed, match="missed: 2, promised loads = 1"):
        load_test.check(run, Objective(p99_ms=1_000), claims=(claim("loads", 2, "=", 1),))


def test_samples_taken_one_at_a_time_are_judged_too(load_test: LoadTest) -> None:
    assert load_test.check_samples(FEW, Objective(max_ms=1)).verdict == "met"
    with pytest.raises(ObjectiveMissed, match="missed: 3, promised ratio ≥ 20"):
        load_test.check_samples(FEW, Objective(), claims=(claim("ratio", 3, "≥", 20),))
    assert len(load_test._session.results) == 2


def test_the_profile_picks_the_length(load_test: LoadTest) -> None:
    assert load_test.pick(short=1, documented=30) == 1
    load_test.profile = "documented"
    assert load_test.pick(short=1, documented=30) == 30


def test_a_workload_knows_its_length() -> None:
    workload = Workload(users=(), stages=(Stage(users=50, spawn_rate=5, hold_s=20),), warm_up_s=2)
    assert workload.planned_s == 32
    assert workload.deadline_s == 32 + 20 + MARGIN_S


def test_nothing_of_locust_is_imported_here() -> None:
    assert not {"locust", "gevent"} & set(sys.modules)
