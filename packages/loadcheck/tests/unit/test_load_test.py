"""A run that was played gets the verdict that it deserves, and its record tells all that explains it."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from loadcheck.capacity import Capacity, Search, Trial
from loadcheck.facts import ArrivalFacts
from loadcheck.generator import Generator, Run, Watched
from loadcheck.judge import claim
from loadcheck.load_test import LoadTest
from loadcheck.objectives import objective
from loadcheck.outcome import Scenario
from loadcheck.result import ObjectiveMissed, RunInconclusive, RunVoid
from loadcheck.samples import Label, Samples
from loadcheck.session import LoadSession, Options
from loadcheck.target import Target
from loadcheck.workload import Workload, arriving, closed

Build = Callable[..., Samples]
MakeRun = Callable[..., Run]
GOOD = Label("GET", "/a", 200, cache="hit")
BROKEN = Label("GET", "/broken", 500, "HTTP 500")
QUICK = (GOOD, [5.0] * 400)
ONE_A_SECOND = arriving("users.py:Someone", rate_per_s=1, hold_s=10, max_in_flight=8)
NOWHERE = Target("nowhere", "http://127.0.0.1:1")


def test_a_good_server_meets_its_objectives(load_test: LoadTest, run: MakeRun) -> None:
    found = load_test.check(run(QUICK), objective(p50_ms=10, min_hit_ratio=1, min_rate_per_s=30))
    (judgement,) = found.judgements
    assert found.verdict == "met"
    assert (judgement.figures.requests, judgement.figures.mean_bytes) == (400, 10)
    assert found.slowest


def test_fast_errors_are_missed_where_no_objective_concerns_them_too(
    load_test: LoadTest, run: MakeRun
) -> None:
    with pytest.raises(ObjectiveMissed, match="2 x GET /broken: HTTP 500"):
        load_test.check(run(QUICK, (BROKEN, [1.0, 1.0])), objective("/a", p50_ms=10))


def test_slowness_is_missed_and_the_slowest_requests_are_told(load_test: LoadTest, run: MakeRun) -> None:
    with pytest.raises(ObjectiveMissed, match=r"missed: 100 ms \[.*\], promised p50 ≤ 50 ms") as caught:
        load_test.check(run((GOOD, [100.0] * 99)), objective(p50_ms=50))
    assert "the slowest requests, and the server at that time:" in str(caught.value)


def test_too_few_samples_are_inconclusive_saying_how_many_are_needed(
    load_test: LoadTest, run: MakeRun
) -> None:
    with pytest.raises(RunInconclusive, match="99 samples, 368 needed"):
        load_test.check(run((GOOD, [5.0] * 99)), objective(p99_ms=10))


def test_arrivals_that_are_never_served_are_missed_unless_an_objective_says_otherwise(
    load_test: LoadTest, run: MakeRun
) -> None:
    arrivals = ArrivalFacts(due=12, dropped=3, late_p95_ms=0)
    found = run((GOOD, [5.0] * 9), facts={"arrivals": arrivals}, workload=ONE_A_SECOND)
    with pytest.raises(ObjectiveMissed, match="missed: 3, promised dropped arrivals ≤ 0"):
        load_test.check(found)
    assert load_test.check(found, objective(dropped_ratio=0.99)).claims == ()


def test_arrivals_for_whom_nobody_asks_anything_meet_nothing(load_test: LoadTest, run: MakeRun) -> None:
    arrivals = ArrivalFacts(due=10, dropped=0, late_p95_ms=0)
    with pytest.raises(RunInconclusive, match="no request to measure it by"):
        load_test.check(run(facts={"arrivals": arrivals}, workload=ONE_A_SECOND))


def test_a_server_that_nobody_may_look_at_has_met_nothing(load_test: LoadTest, run: MakeRun) -> None:
    with pytest.raises(RunInconclusive, match="nobody watches this figure of the server"):
        load_test.check(run(QUICK, usage={}, whole_usage={}), objective(memory_mb=1_000))


def test_a_counter_of_the_test_can_be_promised(load_test: LoadTest, run: MakeRun) -> None:
    counted = run(QUICK, counters={"calls": ((0.0, 5.0), (9.0, 8.0))})
    assert load_test.judge(counted, objective(min_calls=3)).verdict == "met"
    assert load_test.judge(counted, objective(calls=2)).verdict == "missed"
    with pytest.raises(LookupError, match="nothing measured 'jobs'; counters of this run: calls"):
        load_test.judge(counted, objective(jobs=1))


@pytest.mark.parametrize(
    ("facts", "differently", "reason"),
    [
        ({"cpu_share": 0.9}, {}, "the load generator was short of CPU (90% of a core over the whole run)"),
        (
            {"mean_wait_s": 0.095},
            {},
            "40.0 requests/s, where the users offer 80.0",
        ),  # and 5 ms for each answer
        ({"machine_busy_cores": 1.5}, {}, "something else kept 1.1 of 2 cores busy"),  # 0.3 and 0.1 are ours
        ({"users": ((0.0, 8), (10.0, 3))}, {}, "of 8 users 3 were there at the end"),
        (
            {"arrivals": ArrivalFacts(due=99, dropped=0, late_p95_ms=0)},
            {"workload": ONE_A_SECOND},
            "99 arrivals were due, where the stages ask for 10",
        ),
    ],
)
def test_the_run_says_whether_it_may_be_judged(
    load_test: LoadTest, run: MakeRun, facts: dict[str, Any], differently: dict[str, Any], reason: str
) -> None:
    assert load_test.judge(run(QUICK)).void_reasons == ()
    assert load_test.judge(run(QUICK, facts=facts, **differently)).void_reasons[0] == reason


def test_a_void_run_does_not_excuse_a_wrong_count(load_test: LoadTest, run: MakeRun) -> None:
    void = run(QUICK, facts={"cpu_share": 0.9})
    with pytest.raises(RunVoid, match="short of CPU"):
        load_test.check(void, objective(p50_ms=1_000), claims=(claim("loads", 1, "=", 1),))
    with pytest.raises(ObjectiveMissed, match="missed: 2, promised loads = 1"):
        load_test.check(void, claims=(claim("loads", 2, "=", 1),))


def test_samples_taken_one_at_a_time_are_judged_too(
    load_test: LoadTest, session: LoadSession, samples: Build, tmp_path: Path
) -> None:
    one = samples((GOOD, [1.0]))
    assert load_test.check_samples(one, objective(max_ms=1)).verdict == "met"
    assert (tmp_path / "out" / "small-case-" / "samples.bin").exists()
    with pytest.raises(ObjectiveMissed, match="missed: 3, promised ratio ≥ 20"):
        load_test.check_samples(one, objective(), claims=(claim("ratio", 3, "≥", 20),))
    assert [result.verdict for result in session.results] == ["met", "missed"]


def test_a_test_that_broke_off_is_kept_as_void(
    load_test: LoadTest, session: LoadSession, samples: Build
) -> None:
    load_test.check_samples(samples((GOOD, [1.0])), objective(max_ms=1))
    told = load_test.conclude(RuntimeError("a bug"))
    assert [result.verdict for result in session.results] == ["met", "void"]
    assert session.results[-1].void_reasons == ("the test broke off: RuntimeError",)
    assert ("verdict", "void") in told


def test_a_verdict_is_not_kept_twice(load_test: LoadTest, session: LoadSession, samples: Build) -> None:
    with pytest.raises(ObjectiveMissed) as caught:
        load_test.check_samples(samples((GOOD, [9.0])), objective(max_ms=1))
    told = load_test.conclude(caught.value)
    assert len(session.results) == 1
    assert ("verdict", "missed") in told
    assert ("requests", 1) in told


def test_a_test_that_judged_nothing_leaves_nothing(load_test: LoadTest, session: LoadSession) -> None:
    assert load_test.conclude(None) == []
    assert session.results == []


@pytest.mark.parametrize(
    ("profile", "picked"), [("short", 1), ("documented", 30), ("stress", 30), ("soak", 1_800)]
)
def test_the_profile_picks_the_length(profile: Any, picked: float, tmp_path: Path) -> None:
    session = LoadSession(options=Options(project=tmp_path, out=tmp_path, profile=profile))
    test = LoadTest(session, Scenario(name="x"), logs=tmp_path, stack=ExitStack())
    assert test.pick(short=1, documented=30, soak=1_800) == picked


def test_with_a_target_nothing_is_started(tmp_path: Path) -> None:
    session = LoadSession(options=Options(project=tmp_path, out=tmp_path, target="http://a.example/api"))
    found = LoadTest(session, Scenario(name="x"), logs=tmp_path, stack=ExitStack()).serve("nowhere:app")
    assert type(found) is Target
    assert (found.name, found.url) == ("target", "http://a.example/api")


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, run: MakeRun) -> list[tuple[Generator, Workload, Watched]]:
    """What is played instead of the real thing: each run is a good one."""
    asked: list[tuple[Generator, Workload, Watched]] = []

    def play(generator: Generator, workload: Workload, _: Target, out: Path, watched: Watched) -> Run:
        asked.append((generator, workload, watched))
        return run(QUICK, folder=out)

    monkeypatch.setattr(Generator, "play", play)
    return asked


def test_what_the_command_line_and_the_test_say_reaches_the_generator(
    played: list[tuple[Generator, Workload, Watched]], tmp_path: Path
) -> None:
    options = Options(project=tmp_path, out=tmp_path, bind="127.0.0.1:5557", remote_workers=2)
    told: list[object] = []
    session = LoadSession(options=options, tell=told.append)
    test = LoadTest(session, Scenario(name="x"), logs=tmp_path / "logs", stack=ExitStack())
    test.play(closed("a.py:A", users=1, hold_s=1), NOWHERE, env={"A": "b"}, counters={"one": lambda: 1})
    ((generator, workload, watched),) = played
    assert (generator.folder, generator.logs) == (tmp_path, tmp_path / "logs")
    assert (generator.bind, generator.remote_workers, generator.env) == ("127.0.0.1:5557", 2, {"A": "b"})
    assert workload == closed("a.py:A", users=1, hold_s=1)
    assert watched.servers == ()  # nobody watches what was not started here
    assert watched.counters["one"]() == 1
    generator.tell(None)
    assert told == [None]


@pytest.mark.usefixtures("played")
def test_a_run_has_a_folder_of_its_own_and_asks_to_be_judged(
    load_test: LoadTest, session: LoadSession
) -> None:
    run = load_test.play(ONE_A_SECOND, NOWHERE, part="first")
    was_unjudged = load_test.is_unjudged
    assert Path(load_test.judge(run).folder).parts == ("small-case-", "first")
    assert (was_unjudged, load_test.is_unjudged) == (True, False)
    assert session.results == []


def test_a_counter_that_raises_ends_the_run(load_test: LoadTest) -> None:
    with pytest.raises(ZeroDivisionError):
        load_test.play(ONE_A_SECOND, NOWHERE, counters={"calls": lambda: 1 / 0})


def test_the_highest_load_that_meets_the_objectives_is_found(load_test: LoadTest, run: MakeRun) -> None:
    search = Search(start=2, limit=64, precision=0.3, integers=True, confirm=1)
    slow = (GOOD, [100.0] * 400)
    found = load_test.find_capacity(
        search, lambda load: run(QUICK if load <= 9 else slow), objective(p50_ms=50)
    )
    assert found.best
    assert found.first_failed
    assert 6 <= found.best <= 9 < found.first_failed <= 12
    assert "small at 0.10 cores" in found.gave_way


TRIED = Capacity(best=40, first_failed=44, trials=(Trial(load=44, verdict="missed", reason="slow"),))
BROKE_OFF = Capacity(
    best=40, first_failed=None, trials=(Trial(load=80, verdict="void", reason="lag"),), gave_way="lag"
)


def test_the_highest_load_is_held_against_what_was_promised(
    load_test: LoadTest, session: LoadSession
) -> None:
    assert load_test.check_capacity(TRIED, unit="users", at_least=40).verdict == "met"
    with pytest.raises(ObjectiveMissed, match="missed: 40, promised capacity in users ≥ 50") as caught:
        load_test.check_capacity(TRIED, unit="users", at_least=50)
    assert str(TRIED.trials[0]) in str(caught.value)
    assert session.results[0].capacity == TRIED


def test_where_the_generator_gave_way_it_is_only_known_what_was_met(load_test: LoadTest) -> None:
    assert load_test.check_capacity(BROKE_OFF, unit="users", at_least=40).verdict == "met"
    with pytest.raises(RunVoid, match="lag"):
        load_test.check_capacity(BROKE_OFF, unit="users", at_least=50)


def test_below_what_was_promised_an_inconclusive_trial_decides_nothing(load_test: LoadTest) -> None:
    short = Capacity(best=None, first_failed=20, trials=(Trial(load=20, verdict="inconclusive"),))
    with pytest.raises(RunInconclusive, match="inconclusive: 0, promised capacity in users ≥ 50"):
        load_test.check_capacity(short, unit="users", at_least=50)


def test_a_scenarios_folder_has_a_plain_name() -> None:
    assert Scenario(name="load.asks[/a/b c]").folder == "load.asks-a-b-c-"
