"""The load generator plays what it was told, and its samples and facts say what happened.

No test asks how fast something went: a busy machine may make anything late.
"""

import itertools
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from loadcheck.judge.measured import measured_in
from loadcheck.model.facts import Snapshot
from loadcheck.model.samples import Samples
from loadcheck.model.workload import Arrivals, UserClass, Users, Workload, arriving
from loadcheck.run.generator import Run
from loadcheck.run.process import ProcessFailed
from loadcheck.run.server import Server
from loadcheck.run.target import Target

Play = Callable[..., Run]
Asking = Callable[..., Workload]

KINDS = (
    "Good",
    "LateBody",
    "Plain",
    "Foreign",
    "Timeless",
    "Turning",
    "PlainTurning",
    "Raising",
    "Polite",
    "Told",
)


def arrivals(*names: str, rate_per_s: float, hold_s: float = 0.5, **settings) -> Workload:
    who = [f"small_users.py:{name}" for name in names]
    return arriving(who, rate_per_s=rate_per_s, hold_s=hold_s, **{"network_timeout_s": 10, **settings})


def distances_s(samples: Samples) -> np.ndarray:
    """How far apart people were due."""
    return np.diff(np.sort(samples.intended_s))


@pytest.fixture(scope="module")
def told() -> list[Snapshot | None]:
    """What was told of the crowd's run while it went on."""
    return []


@pytest.fixture(scope="module")
def crowd(play_once: Play, asking: Asking, small_server: Server, told: list[Snapshot | None]) -> Run:
    """Two users of each kind, who all wait 50 ms between their requests."""
    calls = itertools.count()
    return play_once(
        asking(*KINDS, users=2 * len(KINDS), hold_s=2.0, warm_up_s=0.5),
        small_server,
        servers=(small_server,),
        counters={"calls": lambda: next(calls)},
        tell=told.append,
        env={"TOLD": "by the test"},
    )


@pytest.mark.smoke
def test_users_ask_wait_and_ask_again(crowd: Run) -> None:
    good = crowd.samples.of("/good")  # of two kinds
    played_s = crowd.facts.ended_s - crowd.facts.played_from_s
    assert len(good.failed()) == 0
    assert 8 <= len(good) <= 4 * (played_s / 0.05 + 1)
    assert crowd.facts.has_spawned
    assert crowd.facts.judged.users == crowd.facts.users_at_end == 20
    assert crowd.facts.mean_wait_s == pytest.approx(0.05)
    assert crowd.facts.arrivals is None


def test_times_follow_each_other(crowd: Run) -> None:
    found = crowd.samples
    assert (found.intended_s == found.start_s).all()  # in a closed workload nobody is late
    assert (found.done_s >= found.start_s + found.response_ms / 1_000 - 0.005).all()
    assert (np.diff(found.done_s) >= 0).all()


@pytest.mark.parametrize("endpoint", ["/late-body", "/plain"])
def test_both_of_locusts_clients_tell_the_first_byte_apart(crowd: Run, endpoint: str) -> None:
    found = crowd.samples.of(endpoint)
    assert len(found.failed()) == 0
    assert (found.response_ms > 95).all()  # the body comes 100 ms after the head
    assert (found.first_byte_ms > 0).all()
    assert (found.first_byte_ms < found.response_ms).all()
    assert (found.response_ms - found.first_byte_ms).max() > 50


def test_other_protocols_can_be_spoken_without_a_first_byte(crowd: Run) -> None:
    found = crowd.samples.where(lambda label: label.method == "RPC" and label.endpoint == "call")
    assert found.count_by(lambda label: label.status) == {200: len(found)}
    assert len(found) >= 4
    assert np.isnan(found.first_byte_ms).all()
    assert (found.response_ms == 3.0).all()


def test_a_cache_and_the_bodies_size_are_told(crowd: Run) -> None:
    found = crowd.samples.of("/good")
    assert found.count_by(lambda label: (label.method, label.status, label.cache)) == {
        ("GET", 200, "hit"): len(found)
    }
    assert set(found.size) == {10}


@pytest.mark.parametrize("endpoint", ["/broken", "/plain-broken"])
def test_an_answer_that_a_task_turns_its_back_on_is_a_sample(crowd: Run, endpoint: str) -> None:
    assert set(crowd.samples.of(endpoint).count_by(lambda label: label.failure)) == {"HTTP 500"}


def test_what_belongs_to_no_endpoint_is_a_failure_too(crowd: Run) -> None:
    found = crowd.samples.where(lambda label: label.method == "").count_by(lambda label: label.failure)
    unrecorded, raised = sorted(found, reverse=True)
    assert unrecorded.endswith("could not be recorded (ValueError)")  # a time that is no number
    assert raised.startswith("KeyError in small_users.py:")


def test_nothing_tells_a_query_or_the_words_of_an_exception(crowd: Run) -> None:
    report = (crowd.folder / "locust.html").read_text()
    assert "/broken" in report
    assert "KeyError" in report
    assert '"msg": ""' in report
    assert "a-subscriber" not in report
    assert "subscriber" not in repr(crowd.samples.labels)


def test_what_was_asked_for_while_warming_up_is_not_judged(crowd: Run) -> None:
    assert crowd.facts.judged.start_s >= 0.5
    judged = crowd.judged.of("/good")
    assert 0 < len(judged) < len(crowd.samples.of("/good"))
    assert judged.done_s.min() >= crowd.facts.judged.start_s
    assert measured_in(crowd).start_s == crowd.facts.judged.start_s


def test_what_users_ask_as_they_leave_is_not_judged(crowd: Run) -> None:
    assert len(crowd.samples.of("/bye")) == 2
    assert "/bye" not in crowd.judged.endpoints()


def test_the_environment_reaches_the_users(crowd: Run) -> None:
    assert "by the test" in crowd.samples.endpoints()


def test_servers_and_counters_are_watched(crowd: Run) -> None:
    usage = crowd.usage["small_server"]
    assert crowd.under_test == "small_server"
    assert measured_in(crowd).usage == usage
    assert usage.peak_memory_bytes > 1_000_000
    assert crowd.whole_usage["small_server"].cpu_s >= usage.cpu_s
    assert len(crowd.servers["small_server"]) > 2
    assert crowd.settings["small_server"]["SMALL_TOKEN"] == "***"
    assert [value for _, value in crowd.counters["calls"]] == [*range(len(crowd.counters["calls"]))]
    assert measured_in(crowd).counters["calls"] >= 2


def test_what_the_machine_itself_takes_is_measured_beside_the_users(crowd: Run) -> None:
    floor = crowd.facts.floor
    assert floor is not None
    assert 0 < floor.echo.p50_ms <= floor.echo.p95_ms <= floor.echo.max_ms
    assert 0 < floor.timer.p50_ms <= floor.timer.max_ms
    assert measured_in(crowd).machine_share_ms("p95_ms") == floor.echo.p95_ms


def test_a_run_is_told_while_it_goes_on(crowd: Run, told: list[Snapshot | None]) -> None:
    *_, last, end = told
    assert end is None
    assert last is not None
    assert 0 < last.users <= 20  # of an instant of the run, whichever came last
    assert last.rate_per_s > 0
    assert last.p95_ms
    assert 0 < last.failures <= len(crowd.samples.failed())
    assert next(each.elapsed_s for each in told if each) < last.elapsed_s
    assert last.planned_s == crowd.workload.planned_s


def test_stages_follow_each_other_and_weights_share_the_users_out(play: Play, small_server: Server) -> None:
    stages = tuple(Users(users=users, spawn_rate=100, hold_s=0.6) for users in (4, 8))
    kinds = (
        UserClass(locustfile="small_users.py", name="Good", weight=3, wait_s=(0.01, 0.02)),
        UserClass(locustfile="small_users.py", name="Unhurried"),  # of its own wait and its task set's: 10 ms
    )
    nobody_looks = Target("elsewhere", small_server.url)
    run = play(Workload(users=kinds, stages=stages, judge="all"), nobody_looks)
    counts = [count for _, count in run.facts.users]
    assert {4, 8} <= set(counts)
    assert counts == sorted(counts)
    assert len(run.samples.of("/good")) > len(run.samples.of("/unhurried")) > 0
    assert 0.01 <= run.facts.mean_wait_s <= 0.02
    assert len(run.judged) == np.count_nonzero(run.samples.intended_s <= run.facts.judged.end_s)
    assert (run.under_test, run.usage, measured_in(run).usage) == ("elsewhere", {}, None)


def test_arrivals_come_evenly_at_the_rate_of_their_stage(play: Play, small_server: Server) -> None:
    stages = (Arrivals(rate_per_s=40, hold_s=0.5), Arrivals(rate_per_s=200, hold_s=0.5))
    plan = arrivals("Good", rate_per_s=1, spread="constant", warm_up_s=0.3)
    run = play(msgspec.structs.replace(plan, stages=stages), small_server)
    found = distances_s(run.samples)
    assert run.facts.arrivals
    assert run.facts.arrivals.dropped == 0
    assert 0 < run.facts.arrivals.due < len(run.samples)  # some were due while warming up
    assert np.median(found[:10]) == pytest.approx(0.025, abs=0.002)
    assert np.median(found[-40:]) == pytest.approx(0.005, abs=0.002)


def test_independent_people_arrive_at_exponential_distances_and_one_seed_brings_the_same(
    play: Play, small_server: Server
) -> None:
    first, second = (
        distances_s(play(arrivals("Good", rate_per_s=300, seed=7), small_server, out=out).samples)
        for out in ("first", "second")
    )
    assert first.std() / first.mean() == pytest.approx(1, abs=0.3)  # of even ones it is 0
    count = min(len(first), len(second)) // 2
    assert np.median(np.abs(first[:count] - second[:count])) < 0.002


def test_whoever_waits_counts_from_when_it_was_due_and_is_dropped_if_that_takes_too_long(
    play: Play, small_server: Server
) -> None:
    plan = arrivals(
        "Slow", rate_per_s=60, hold_s=1.0, spread="constant", max_in_flight=1, network_timeout_s=0.3
    )
    run = play(plan, small_server)  # ten a second are served
    waited_ms = run.samples.latency_ms - run.samples.response_ms
    figures = measured_in(run).summary()
    assert run.facts.arrivals
    assert run.facts.arrivals.dropped > 20
    assert min(run.facts.arrivals.dropped_s) < run.samples.intended_s.max()  # not only at the end
    assert measured_in(run).dropped == run.facts.arrivals.dropped
    assert len(run.samples) + run.facts.arrivals.dropped == run.facts.arrivals.due
    assert waited_ms.max() > 150
    assert figures.p95_ms
    assert figures.service_p95_ms
    assert figures.p95_ms > figures.service_p95_ms


def test_whoever_came_just_before_the_end_is_served(play: Play, small_server: Server) -> None:
    run = play(arrivals("Slow", rate_per_s=20, spread="constant", max_in_flight=1), small_server)
    assert run.facts.arrivals
    assert (run.facts.arrivals.dropped, len(run.samples)) == (0, run.facts.arrivals.due)
    assert run.judged.done_s.max() > run.facts.ended_s + 0.1  # ten a second are served


def test_each_arrival_is_one_task_of_a_caller_who_has_logged_in(play: Play, small_server: Server) -> None:
    run = play(arrivals("Member", "Twice", "Unhurried", rate_per_s=60, max_in_flight=9), small_server)
    found = {endpoint: run.samples.of(endpoint) for endpoint in run.samples.endpoints()}
    login, second = found.pop("/login"), found.pop("/stale")
    assert found.keys() == {"/good", "/slow", "/unhurried"}
    assert run.facts.arrivals
    assert sum(map(len, found.values())) == run.facts.arrivals.due
    assert len(login) == 3
    assert login.done_s.max() <= min(each.intended_s.min() for each in found.values())
    assert "/login" not in run.judged.endpoints()
    assert len(second) == len(found["/slow"])
    assert (second.intended_s == second.start_s).all()  # only an arrival's first request was due


def test_a_silent_server_has_failed_in_time_and_by_lateness(
    play: Play, asking: Asking, small_server: Server
) -> None:
    kinds = ("Hanging", "PlainHanging", "Stalled", "PlainStalled", "Waiting")
    run = play(asking(*kinds, users=10, hold_s=0.2), small_server)
    asked = run.samples.where(lambda label: label.method == "GET")
    assert set(asked.count_by(lambda label: (label.endpoint, label.is_late))) == {
        (endpoint, True) for endpoint in ("/hang", "/plain-hang", "/stall", "/plain-stall")
    }
    assert asked.response_ms.max() < 9_000  # they wait for a second; ten and more are the clients' own
    assert run.facts.unfinished_users == 2  # one waits for something else than an answer
    assert run.judged.count_by(lambda label: label.failure)["no answer by the end of the run"] == 2


def test_users_that_never_come_up_are_told(play: Play, asking: Asking, small_server: Server) -> None:
    run = play(asking("Stuck", users=2, hold_s=0.1, network_timeout_s=0.1), small_server)
    assert not run.facts.has_spawned


def test_a_request_that_the_server_drops_is_a_failure_and_not_sent_again(
    play: Play, asking: Asking, dropping_server: Server
) -> None:
    run = play(asking("Good"), dropping_server)
    assert int(dropping_server.get("/count")[1]) <= len(run.samples)
    assert len(run.samples.failed()) >= 8


def test_the_facts_of_an_earlier_run_are_not_taken_for_this_ones(
    play: Play, asking: Asking, crowd: Run, small_server: Server, tmp_path: Path
) -> None:
    shutil.copytree(crowd.folder, tmp_path / "out")
    with pytest.raises(ProcessFailed, match="failed"):  # it ends as if all were well
        play(asking("Quitting", hold_s=5), small_server)


def test_a_generator_that_fails_says_why(play: Play, asking: Asking, small_server: Server) -> None:
    with pytest.raises(ProcessFailed, match="KeyError: 'Nobody'"):
        play(asking("Nobody"), small_server)


def test_a_generator_that_hangs_is_killed(
    play: Play, asking: Asking, small_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Workload, "deadline_s", 0.2)
    with pytest.raises(ProcessFailed, match=r"was still running after 0.2 s"):
        play(asking("Good"), small_server)


def test_nothing_of_locust_is_imported_here() -> None:
    assert not {"locust", "gevent"} & set(sys.modules)
