"""The load generator plays what it was told, and its samples and facts say what happened."""

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from loadcheck.facts import Snapshot
from loadcheck.generator import Generator, Run, Watched, named
from loadcheck.process import ProcessFailed
from loadcheck.server import Server
from loadcheck.target import Target
from loadcheck.usage import Usage
from loadcheck.workload import Arrivals, UserClass, Users, Workload, arriving

HERE = Path(__file__).parent
Play = Callable[..., Run]
Asking = Callable[..., Workload]


def arrivals(name: str = "Good", *, rate_per_s: float = 100, hold_s: float = 1.0, **settings) -> Workload:
    settings.setdefault("network_timeout_s", 1)
    return arriving(f"small_users.py:{name}", rate_per_s=rate_per_s, hold_s=hold_s, **settings)


@pytest.fixture
def play(generator: Generator, tmp_path: Path) -> Play:
    def play(workload: Workload, server: Target, **watched) -> Run:
        return generator.play(workload, server, tmp_path / "out", Watched(**watched))

    return play


def test_users_ask_wait_and_ask_again(play: Play, asking: Asking, small_server: Server) -> None:
    run = play(asking("Good", users=8), small_server)
    assert run.samples.endpoints() == ("/good",)
    assert len(run.samples.failed()) == 0
    assert 8 <= len(run.samples) <= 8 * 21  # a second of waits of 50 ms
    assert run.facts.has_spawned
    assert run.facts.judged.users == 8
    assert run.facts.mean_wait_s == pytest.approx(0.05)
    assert run.facts.arrivals is None


def test_times_follow_each_other(play: Play, asking: Asking, small_server: Server) -> None:
    found = play(asking("LateBody"), small_server).samples
    assert len(found) > 8
    assert (found.intended_s == found.start_s).all()  # in a closed workload nobody is late
    assert (found.first_byte_ms > 0).all()
    assert (found.first_byte_ms < found.response_ms - 90).all()  # the body comes 100 ms later
    assert (found.done_s >= found.start_s + found.response_ms / 1_000 - 0.005).all()
    assert (np.diff(found.done_s) >= 0).all()


def test_both_of_locusts_clients_tell_the_first_byte_apart(
    play: Play, asking: Asking, small_server: Server
) -> None:
    found = play(asking("LateBody", "Plain"), small_server).samples
    assert found.endpoints() == ("/late-body", "/plain")
    for endpoint in found.endpoints():
        answers = found.of(endpoint)
        assert len(answers.failed()) == 0
        assert (answers.response_ms > 95).all()
        assert (answers.first_byte_ms > 0).all()
        assert np.median(answers.first_byte_ms) < 90


def test_other_protocols_can_be_spoken_without_a_first_byte(
    play: Play, asking: Asking, small_server: Server
) -> None:
    found = play(asking("Foreign", hold_s=0.2), small_server).samples
    assert found.count_by(lambda label: (label.method, label.endpoint, label.status)) == {
        ("RPC", "call", 200): len(found)
    }
    assert len(found) >= 8
    assert np.isnan(found.first_byte_ms).all()
    assert (found.response_ms == 3.0).all()


def test_a_cache_and_the_bodies_size_are_told(play: Play, asking: Asking, small_server: Server) -> None:
    found = play(asking("Good", hold_s=0.2), small_server).samples
    assert found.count_by(lambda label: (label.method, label.status, label.cache)) == {
        ("GET", 200, "hit"): len(found)
    }
    assert set(found.size) == {10}


def test_what_was_asked_for_while_warming_up_is_not_judged(
    play: Play, asking: Asking, small_server: Server
) -> None:
    run = play(asking("Good", hold_s=0.5, warm_up_s=0.5), small_server)
    assert run.facts.judged.start_s >= 0.5
    assert 0 < len(run.judged) < len(run.samples)
    assert run.judged.done_s.min() >= run.facts.judged.start_s
    assert run.measured.start_s == run.facts.judged.start_s


def test_stages_follow_each_other(play: Play, small_server: Server) -> None:
    first = Users(users=2, spawn_rate=100, hold_s=0.6)
    more = Users(users=4, spawn_rate=100, hold_s=0.6)
    user = UserClass(locustfile="small_users.py", name="Good", wait_s=(0.01, 0.02))
    run = play(Workload(users=(user,), stages=(first, more), judge="all"), small_server)
    counts = [count for _, count in run.facts.users]
    assert {2, 4} <= set(counts)
    assert counts == sorted(counts)
    assert 0.01 <= run.facts.mean_wait_s <= 0.02
    assert len(run.judged) == np.count_nonzero(run.samples.intended_s <= run.facts.judged.end_s)


def test_users_are_counted_at_the_very_end_too(play: Play, asking: Asking, small_server: Server) -> None:
    facts = play(asking("Good", hold_s=0.05), small_server).facts
    assert facts.users_at_end == 8
    assert 0 < facts.played_from_s < facts.judged.start_s


def test_weights_share_the_users_out(play: Play, small_server: Server) -> None:
    kinds = tuple(
        UserClass(locustfile="small_users.py", name=name, weight=weight, wait_s=(0.05, 0.05))
        for name, weight in [("Good", 3), ("Slow", 1)]
    )
    stage = Users(users=8, spawn_rate=8, hold_s=0.5)
    counts = play(Workload(users=kinds, stages=(stage,)), small_server).samples.count_by(
        lambda label: label.endpoint
    )
    assert counts["/good"] > 3 * counts["/slow"]


def test_evenly_spread_arrivals_come_at_equal_distances(play: Play, small_server: Server) -> None:
    run = play(arrivals(spread="constant"), small_server)
    due_s = np.sort(run.samples.intended_s)
    assert run.facts.arrivals
    assert 90 <= run.facts.arrivals.due <= 110
    assert len(run.samples) == run.facts.arrivals.due
    assert run.facts.arrivals.dropped == 0
    assert np.median(np.diff(due_s)) == pytest.approx(0.01, abs=0.002)


def test_arrivals_of_independent_people_come_at_exponential_distances(
    play: Play, small_server: Server
) -> None:
    run = play(arrivals(rate_per_s=300), small_server)
    distances_s = np.diff(np.sort(run.samples.intended_s))
    assert distances_s.std() / distances_s.mean() == pytest.approx(1, abs=0.3)  # of even ones it is 0


def test_the_same_seed_lets_the_same_people_arrive(
    generator: Generator, small_server: Server, tmp_path: Path
) -> None:
    first, second = (
        generator.play(arrivals(hold_s=0.5, seed=7), small_server, tmp_path / name, Watched()).samples
        for name in ("first", "second")
    )
    count = min(len(first), len(second)) // 2
    distances_s = [np.diff(np.sort(each.intended_s))[:count] for each in (first, second)]
    assert np.median(np.abs(distances_s[0] - distances_s[1])) < 0.002


def test_rates_follow_each_other(play: Play, small_server: Server) -> None:
    stages = (Arrivals(rate_per_s=40, hold_s=0.5), Arrivals(rate_per_s=400, hold_s=0.5))
    workload = msgspec.structs.replace(arrivals(spread="constant"), stages=stages)
    run = play(workload, small_server)
    due_s = run.samples.intended_s - run.facts.judged.start_s
    early, late = int((due_s < 0.5).sum()), int((due_s >= 0.5).sum())
    assert late > 4 * early > 0


def test_whoever_waits_for_a_free_caller_counts_from_when_it_was_due(
    play: Play, small_server: Server
) -> None:
    run = play(arrivals("Slow", rate_per_s=40, hold_s=0.7, spread="constant", max_in_flight=2), small_server)
    waited_ms = run.samples.latency_ms - run.samples.response_ms
    assert waited_ms.max() > 200  # 20 a second are served
    assert run.samples.latency_ms.max() > 300
    assert np.median(run.samples.response_ms) < 250
    figures = run.measured.summary()
    assert figures.p95_ms
    assert figures.service_p95_ms
    assert figures.p95_ms > figures.service_p95_ms


def test_only_the_first_request_of_an_arrival_was_due(play: Play, small_server: Server) -> None:
    run = play(arrivals("Twice", rate_per_s=30, hold_s=0.5, max_in_flight=1), small_server)
    second = run.samples.of("/good")
    assert len(second) > 2
    assert (second.intended_s == second.start_s).all()
    assert "subscriber" not in repr(run.samples.labels)


def test_nobody_arrives_before_the_callers_have_logged_in(play: Play, small_server: Server) -> None:
    run = play(arrivals("Member", rate_per_s=50, hold_s=0.5, max_in_flight=5), small_server)
    waited_ms = run.judged.latency_ms - run.judged.response_ms
    assert len(run.samples.of("/login")) == 5
    assert run.judged.endpoints() == ("/good",)
    assert np.median(waited_ms[:3]) < 50  # logging in takes 100 ms


def test_whoever_came_just_before_the_end_is_served(play: Play, small_server: Server) -> None:
    run = play(arrivals("Slow", rate_per_s=20, hold_s=0.5, spread="constant", max_in_flight=1), small_server)
    assert run.facts.arrivals
    assert (run.facts.arrivals.dropped, len(run.samples)) == (0, run.facts.arrivals.due)
    assert run.judged.done_s.max() > run.facts.ended_s + 0.2  # ten a second are served


def test_whoever_waits_too_long_is_dropped_and_counted(play: Play, small_server: Server) -> None:
    workload = arrivals(
        "Slow", rate_per_s=60, hold_s=1.0, spread="constant", max_in_flight=1, network_timeout_s=0.3
    )
    run = play(workload, small_server)
    assert run.facts.arrivals
    assert run.facts.arrivals.dropped > 20
    assert len(run.samples) + run.facts.arrivals.dropped == run.facts.arrivals.due
    assert run.measured.dropped == run.facts.arrivals.dropped
    assert (run.samples.latency_ms - run.samples.response_ms).max() < 450


def test_arrivals_while_warming_up_are_not_counted(play: Play, small_server: Server) -> None:
    run = play(arrivals(spread="constant", hold_s=0.5, warm_up_s=0.5), small_server)
    assert run.facts.arrivals
    assert 40 <= run.facts.arrivals.due <= 60
    assert len(run.samples) >= 85


def test_servers_and_counters_are_watched(play: Play, asking: Asking, small_server: Server) -> None:
    calls = iter(range(1_000_000))
    run = play(
        asking("Good", hold_s=1.2),
        small_server,
        servers=(small_server,),
        counters={"calls": lambda: next(calls)},
    )
    usage: Usage = run.usage["small_server"]
    assert run.under_test == "small_server"
    assert run.measured.usage == usage
    assert usage.peak_memory_bytes > 1_000_000
    assert run.whole_usage["small_server"].cpu_s >= usage.cpu_s
    assert len(run.servers["small_server"]) > 2
    assert run.settings["small_server"]["SMALL_TOKEN"] == "***"
    assert [value for _, value in run.counters["calls"]] == [*range(len(run.counters["calls"]))]
    assert run.measured.counters["calls"] >= 2


def test_servers_of_one_name_are_told_apart(small_server: Server, mortal_server: Server) -> None:
    assert named((small_server, mortal_server, small_server)) == {
        "small_server": small_server,
        "small_server-2": mortal_server,
    }


def test_a_server_that_nobody_watches_can_be_loaded_too(
    play: Play, asking: Asking, small_server: Server
) -> None:
    run = play(asking("Good", hold_s=0.2), Target("elsewhere", small_server.url))
    assert (run.under_test, run.usage, run.measured.usage) == ("elsewhere", {}, None)
    assert len(run.samples) > 0


def test_a_run_is_told_while_it_goes_on(
    generator: Generator, asking: Asking, small_server: Server, tmp_path: Path
) -> None:
    told: list[Snapshot | None] = []
    generator = msgspec.structs.replace(generator, tell=told.append)
    run = generator.play(asking("Good", "Broken", hold_s=2.0), small_server, tmp_path / "out", Watched())
    *_, last, end = told
    assert end is None
    assert last is not None
    assert last.users == 8
    assert last.rate_per_s > 0
    assert last.p95_ms
    assert 0 < last.failures <= len(run.samples.failed())
    assert next(each.elapsed_s for each in told if each) < last.elapsed_s
    assert last.planned_s == run.workload.planned_s


def test_locusts_own_report_is_written(
    play: Play, asking: Asking, small_server: Server, tmp_path: Path
) -> None:
    play(asking("Good", hold_s=0.2), small_server)
    assert "/good" in (tmp_path / "out" / "locust.html").read_text()


def test_the_environment_reaches_the_users(
    generator: Generator, tmp_path: Path, small_server: Server
) -> None:
    (tmp_path / "users.py").write_text(
        "import os\nfrom locust import FastHttpUser, task, constant\n"
        "class Told(FastHttpUser):\n    wait_time = constant(0.05)\n    @task\n"
        "    def ask(self):\n        self.client.get('/good', name=os.environ['TOLD'])\n"
    )
    generator = msgspec.structs.replace(generator, folder=tmp_path, env={"TOLD": "by the test"})
    user = UserClass(locustfile="users.py", name="Told")
    workload = Workload(users=(user,), stages=(Users(users=1, spawn_rate=1, hold_s=0.2),))
    run = generator.play(workload, small_server, tmp_path / "out", Watched())
    assert run.samples.endpoints() == ("by the test",)


def test_users_that_never_come_up_are_told(play: Play, asking: Asking, small_server: Server) -> None:
    workload = msgspec.structs.replace(asking("Stuck", users=2, hold_s=0.1), network_timeout_s=0.1)
    run = play(workload, small_server)
    assert not run.facts.has_spawned


def test_users_that_never_get_their_answer_are_failures(
    play: Play, asking: Asking, small_server: Server
) -> None:
    run = play(asking("Waiting", hold_s=0.2), small_server)
    assert run.facts.unfinished_users == 8
    assert run.judged.count_by(lambda label: label.failure) == {"no answer by the end of the run": 8}


def test_a_request_that_the_server_drops_is_a_failure_and_not_sent_again(
    play: Play, asking: Asking, dropping_server: Server
) -> None:
    run = play(asking("Good"), dropping_server)
    received = int(dropping_server.get("/count")[1])
    assert received <= len(run.samples)
    assert len(run.samples.failed()) > 10


def test_the_facts_of_an_earlier_run_are_not_taken_for_this_ones(
    play: Play, asking: Asking, small_server: Server
) -> None:
    play(asking("Good", hold_s=0.1), small_server)
    with pytest.raises(ProcessFailed):
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


def test_a_counter_that_raises_ends_the_run(play: Play, asking: Asking, small_server: Server) -> None:
    with pytest.raises(ZeroDivisionError):
        play(asking("Good"), small_server, counters={"calls": lambda: 1 / 0})


def test_nothing_of_locust_is_imported_here() -> None:
    assert not {"locust", "gevent"} & set(sys.modules)
