"""The judge is proven: servers and users of known behaviour get the verdict they deserve."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from loadcheck.capacity import Capacity, Search, Trial
from loadcheck.facts import Snapshot
from loadcheck.judge import claim
from loadcheck.load_test import LoadTest
from loadcheck.objectives import objective
from loadcheck.outcome import Scenario
from loadcheck.process import ProcessFailed
from loadcheck.result import ObjectiveMissed, Result, RunInconclusive, RunVoid
from loadcheck.samples import Label, Samples
from loadcheck.server import Program, Server, asgi, serving
from loadcheck.session import WRITTEN, LoadSession, Options
from loadcheck.target import Target
from loadcheck.validity import RunFacts
from loadcheck.workload import Workload, arriving

HERE = Path(__file__).parent
Asking = Callable[..., Workload]
Build = Callable[..., Samples]
GOOD = Label("GET", "/a", 200, cache="hit")


@pytest.fixture
def never_void(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge as if the machine had nothing else to do: other tests run beside this one."""
    monkeypatch.setattr("loadcheck.outcome.void_reasons", lambda _: ())


@pytest.fixture
def judged(
    load_test: LoadTest, small_server: Server, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    monkeypatch.setattr("loadcheck.outcome.void_reasons", lambda _: ())

    def play(*names: str, endpoint: str | None = None, **limits: float) -> Result:
        run = load_test.play(asking(*names, hold_s=0.6), small_server)
        return load_test.check(run, objective(endpoint, **limits))

    return play


def test_a_good_server_meets_its_objectives(judged: Callable[..., Result]) -> None:
    found = judged("Good", p50_ms=2_000, min_hit_ratio=1, min_rate_per_s=1)
    (judgement,) = found.judgements
    assert found.verdict == "met"
    assert judgement.figures.requests >= 16
    assert judgement.figures.mean_bytes == 10
    assert found.slowest


def test_fast_500s_are_missed(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match="GET /broken: HTTP 500"):
        judged("Broken", p50_ms=2_000)


def test_wrong_content_is_missed(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match="GET /wrong: wrong content"):
        judged("Wrong", p50_ms=2_000)


def test_a_sample_that_cannot_be_recorded_is_a_failure(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match="a request could not be recorded"):
        judged("Unrecordable")


def test_endpoints_that_no_objective_concerns_must_not_fail_either(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match="GET /broken: HTTP 500"):
        judged("Good", "Broken", endpoint="/good")


def test_slowness_is_missed(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match=r"missed: [\d,]+ ms \[.*\], promised p50 ≤ 50 ms") as caught:
        judged("Slow", p50_ms=50)
    assert "the slowest requests, and the server at that time:" in str(caught.value)


def test_too_few_samples_are_inconclusive_saying_how_many_are_needed(judged: Callable[..., Result]) -> None:
    with pytest.raises(RunInconclusive, match=r"\d+ samples, 368 needed"):
        judged("Slow", p99_ms=10_000)


def test_a_server_that_hangs_is_missed_in_time(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match="8 x GET /hang"):
        judged("Hanging")


@pytest.mark.usefixtures("never_void")
def test_a_server_that_dies_is_missed(load_test: LoadTest, asking: Asking, mortal_server: Server) -> None:
    run = load_test.play(asking("Good", "Killer"), mortal_server)
    with pytest.raises(ObjectiveMissed, match="GET /good: ConnectionRefusedError"):
        load_test.check(run)


def test_an_exception_inside_a_user_is_a_failure_without_its_words(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match=r"KeyError in small_users.py:\d+") as caught:
        judged("Raising")
    assert "subscriber" not in str(caught.value)


def test_a_user_that_never_gets_to_its_end_is_a_failure(judged: Callable[..., Result]) -> None:
    with pytest.raises(ObjectiveMissed, match=r"8 x \(user\): no answer by the end of the run"):
        judged("Waiting")


def test_a_starved_generator_is_void(load_test: LoadTest, small_server: Server, asking: Asking) -> None:
    run = load_test.play(asking("Starving"), small_server)
    with pytest.raises(RunVoid, match="the load generator lagged"):
        load_test.check(run, objective(p50_ms=10_000))


def dropping(load_test: LoadTest, server: Server):
    """More arrivals than one caller can serve."""
    workload = arriving(
        "small_users.py:Slow", rate_per_s=60, hold_s=0.5, max_in_flight=1, network_timeout_s=0.3
    )
    return load_test.play(workload, server)


@pytest.mark.usefixtures("never_void")
def test_arrivals_that_are_never_served_are_missed_unless_an_objective_says_otherwise(
    load_test: LoadTest, small_server: Server
) -> None:
    run = dropping(load_test, small_server)
    with pytest.raises(ObjectiveMissed, match=r"missed: \d+, promised dropped arrivals ≤ 0"):
        load_test.check(run)
    assert load_test.check(run, objective(dropped_ratio=0.99)).claims == ()


def test_parts_of_a_scenario_have_folders_of_their_own(
    load_test: LoadTest, small_server: Server, asking: Asking, tmp_path: Path
) -> None:
    run = load_test.play(asking("Good", hold_s=0.1), small_server, part="first")
    found = load_test.judge(run)
    assert (tmp_path / "out" / found.folder / "samples.bin").exists()
    assert Path(found.folder).parts == ("small-case-", "first")
    assert load_test._session.results == []


@pytest.mark.usefixtures("never_void")
def test_a_counter_of_the_test_can_be_promised(
    load_test: LoadTest, small_server: Server, asking: Asking
) -> None:
    calls = iter(range(1_000_000))
    run = load_test.play(asking("Good", hold_s=0.6), small_server, counters={"calls": lambda: next(calls)})
    assert load_test.judge(run, objective(min_calls=1)).verdict == "met"
    assert load_test.judge(run, objective(calls=0)).verdict == "missed"
    with pytest.raises(LookupError, match="nothing measured 'jobs'; counters of this run: calls"):
        load_test.judge(run, objective(jobs=1))


def test_the_record_is_complete(load_test: LoadTest, small_server: Server, asking: Asking) -> None:
    run = load_test.play(asking("Good", hold_s=0.3), small_server)
    load_test._session.results.append(
        load_test.judge(run, objective(p99_ms=1_000), claims=(claim("x", 1, "=", 1),))
    )
    load_test._session.write()
    out = load_test._session.options.out
    record = msgspec.json.decode((out / "results.json").read_bytes())
    (result,) = record["results"]
    assert record["environment"]["libraries"]["locust"]
    assert record["profile"] == "short"
    assert result["scenario"] == "small[case]"
    assert result["workload"]["seed"] == 1
    assert result["settings"]["small_server"]["SMALL_TOKEN"] == "***"
    assert result["usage"]["small_server"]["peak_memory_bytes"] > 0
    assert (out / "report.html").exists()
    assert (out / result["folder"] / "samples.bin").exists()


def test_a_void_run_does_not_excuse_a_wrong_count(
    load_test: LoadTest, small_server: Server, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadcheck.outcome.void_reasons", lambda _: ("always",))
    run = load_test.play(asking("Good", hold_s=0.3), small_server)
    with pytest.raises(RunVoid, match="always"):
        load_test.check(run, objective(p50_ms=1_000), claims=(claim("loads", 1, "=", 1),))
    with pytest.raises(ObjectiveMissed, match="missed: 2, promised loads = 1"):
        load_test.check(run, claims=(claim("loads", 2, "=", 1),))


def test_what_the_rules_look_at_comes_from_the_run(
    load_test: LoadTest, small_server: Server, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[RunFacts] = []

    def no_reasons(facts: RunFacts) -> tuple[str, ...]:
        seen.append(facts)
        return ()

    monkeypatch.setattr("loadcheck.outcome.void_reasons", no_reasons)
    run = load_test.play(asking("Slow", hold_s=0.5), small_server, beside=(small_server,))
    load_test.judge(run)
    (facts,) = seen
    assert 0.1 <= facts.mean_answer_s < 1
    assert 0 < facts.rate_per_s <= len(run.judged) / run.facts.judged.duration_s
    assert facts.server_cores == run.whole_usage["small_server"].cores
    assert facts.generator == run.facts


def test_samples_taken_one_at_a_time_are_judged_too(
    load_test: LoadTest, samples: Build, tmp_path: Path
) -> None:
    one = samples((GOOD, [1.0]))
    assert load_test.check_samples(one, objective(max_ms=1)).verdict == "met"
    assert (tmp_path / "out" / "small-case-" / "samples.bin").exists()
    with pytest.raises(ObjectiveMissed, match="missed: 3, promised ratio ≥ 20"):
        load_test.check_samples(one, objective(), claims=(claim("ratio", 3, "≥", 20),))
    assert [result.verdict for result in load_test._session.results] == ["met", "missed"]


def test_a_test_that_broke_off_is_kept_as_void(load_test: LoadTest, samples: Build) -> None:
    load_test.check_samples(samples((GOOD, [1.0])), objective(max_ms=1))
    told = load_test.conclude(RuntimeError("a bug"))
    assert [result.verdict for result in load_test._session.results] == ["met", "void"]
    assert load_test._session.results[-1].void_reasons == ("the test broke off: RuntimeError",)
    assert ("verdict", "void") in told


def test_a_verdict_is_not_kept_twice(load_test: LoadTest, samples: Build) -> None:
    with pytest.raises(ObjectiveMissed) as caught:
        load_test.check_samples(samples((GOOD, [9.0])), objective(max_ms=1))
    told = load_test.conclude(caught.value)
    assert len(load_test._session.results) == 1
    assert ("verdict", "missed") in told
    assert ("requests", 1) in told


def test_a_test_that_judged_nothing_leaves_nothing(load_test: LoadTest) -> None:
    assert load_test.conclude(None) == []
    assert load_test._session.results == []


@pytest.mark.parametrize(
    ("profile", "picked"), [("short", 1), ("documented", 30), ("stress", 30), ("soak", 1_800)]
)
def test_the_profile_picks_the_length(profile: Any, picked: float, tmp_path: Path) -> None:
    session = LoadSession(options=Options(project=HERE, out=tmp_path, profile=profile))
    test = LoadTest(session, Scenario(name="x"), logs=tmp_path, stack=ExitStack())
    assert test.pick(short=1, documented=30, soak=1_800) == picked


def test_an_app_is_served_by_its_name_until_the_test_ends(load_test: LoadTest) -> None:
    server = load_test.serve("small_server:app", SMALL_TOKEN="told")
    assert isinstance(server, Server)
    assert server.program.env == {"SMALL_TOKEN": "told"}
    assert server.answers("/good")
    load_test._stack.close()
    assert server.exit_code is not None


def test_a_command_is_served_too(load_test: LoadTest) -> None:
    command = (sys.executable, str(HERE / "dropping_server.py"), "{port}")
    server = load_test.serve(command, NAME="x")
    assert server.name == Path(sys.executable).name
    assert server.get("/count") == (200, b"0")


def test_a_program_is_served_as_it_is(load_test: LoadTest) -> None:
    command = (sys.executable, str(HERE / "dropping_server.py"), "{port}")
    assert load_test.serve(Program(name="mine", command=command, ready_path="/count")).name == "mine"


def test_with_a_target_nothing_is_started(tmp_path: Path) -> None:
    session = LoadSession(options=Options(project=HERE, out=tmp_path, target="http://a.example/api"))
    found = LoadTest(session, Scenario(name="x"), logs=tmp_path, stack=ExitStack()).serve("nowhere:app")
    assert type(found) is Target
    assert (found.name, found.url) == ("target", "http://a.example/api")


def test_a_session_hears_of_its_runs(tmp_path: Path, small_server: Server, asking: Asking) -> None:
    told: list[Snapshot | None] = []
    session = LoadSession(options=Options(project=HERE, out=tmp_path / "out"), tell=told.append)
    test = LoadTest(session, Scenario(name="x"), logs=tmp_path, stack=ExitStack())
    test.play(asking("Good", hold_s=1.2), small_server)
    assert [each for each in told if each]


def test_results_of_an_earlier_session_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in WRITTEN:
        (tmp_path / name).touch()
    (tmp_path / "scenario").mkdir()
    for name in ("compare.json", "mine.txt", "scenario/compare.html", "scenario/compare-2.html"):
        (tmp_path / name).touch()
    LoadSession(options=Options(project=HERE, out=tmp_path)).clear()
    assert {path.name for path in tmp_path.rglob("*")} == {"scenario", "mine.txt"}


def test_all_that_a_session_writes_is_removed_by_the_next(load_test: LoadTest, samples: Build) -> None:
    load_test.check_samples(samples((GOOD, [1.0])))
    load_test._session.write()
    out = load_test._session.options.out
    assert {path.name for path in out.iterdir() if path.is_file()} == set(WRITTEN)


def test_the_highest_load_that_meets_the_objectives_is_found(
    load_test: LoadTest, asking: Asking, small_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadcheck.outcome.void_reasons", lambda _: ())
    run = load_test.play(asking("Good", hold_s=0.3), small_server)
    too_much = msgspec.structs.replace(run, samples=Samples())
    search = Search(start=2, limit=64, precision=0.3, integers=True, confirm=1)
    answers = objective(min_rate_per_s=1)
    found = load_test.find_capacity(search, lambda load: run if load <= 9 else too_much, answers)
    assert found.best
    assert found.first_failed
    assert 6 <= found.best <= 9 < found.first_failed <= 12
    assert "small_server at" in found.gave_way or "load generator at" in found.gave_way


TRIED = Capacity(best=40, first_failed=44, trials=(Trial(load=44, verdict="missed", reason="slow"),))
BROKEN = Capacity(
    best=40, first_failed=None, trials=(Trial(load=80, verdict="void", reason="lag"),), gave_way="lag"
)


def test_the_highest_load_is_held_against_what_was_promised(load_test: LoadTest) -> None:
    assert load_test.check_capacity(TRIED, unit="users", at_least=40).verdict == "met"
    with pytest.raises(ObjectiveMissed, match="missed: 40, promised capacity in users ≥ 50") as caught:
        load_test.check_capacity(TRIED, unit="users", at_least=50)
    assert str(TRIED.trials[0]) in str(caught.value)
    assert load_test._session.results[0].capacity == TRIED


def test_where_the_generator_gave_way_it_is_only_known_what_was_met(load_test: LoadTest) -> None:
    assert load_test.check_capacity(BROKEN, unit="users", at_least=40).verdict == "met"
    with pytest.raises(RunVoid, match="lag"):
        load_test.check_capacity(BROKEN, unit="users", at_least=50)


def test_below_what_was_promised_an_inconclusive_trial_decides_nothing(load_test: LoadTest) -> None:
    short = Capacity(best=None, first_failed=20, trials=(Trial(load=20, verdict="inconclusive"),))
    with pytest.raises(RunInconclusive, match="inconclusive: 0, promised capacity in users ≥ 50"):
        load_test.check_capacity(short, unit="users", at_least=50)


def test_users_that_leave_early_make_a_run_void(
    load_test: LoadTest, small_server: Server, asking: Asking
) -> None:
    found = load_test.judge(load_test.play(asking("Leaving"), small_server))
    assert "of 8 users 0 were there at the end" in found.void_reasons
    assert found.verdict == "void"


@pytest.mark.usefixtures("never_void")
def test_arrivals_for_whom_nobody_asks_anything_meet_nothing(
    load_test: LoadTest, small_server: Server
) -> None:
    run = load_test.play(arriving("small_users.py:Idle", rate_per_s=20, hold_s=0.3), small_server)
    with pytest.raises(RunInconclusive, match="no request to measure it by"):
        load_test.check(run)


def test_runs_of_one_name_have_folders_of_their_own(load_test: LoadTest) -> None:
    session, out = load_test._session, load_test._session.options.out
    assert [session.new_folder("a") for _ in range(3)] == [out / "a", out / "a" / "2", out / "a" / "3"]
    assert [session.new_folder("a", "x") for _ in range(2)] == [out / "a" / "x", out / "a" / "x-2"]


def test_two_sessions_do_not_write_into_one_folder(tmp_path: Path) -> None:
    first, second = (LoadSession(options=Options(project=HERE, out=tmp_path / "out")) for _ in range(2))
    first.clear()
    with pytest.raises(ProcessFailed, match="another session is writing its results to"):
        second.clear()
    first.unlock()
    second.clear()
    second.unlock()


def test_results_that_cannot_be_written_are_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    session = LoadSession(options=Options(project=HERE, out=tmp_path / "file"))
    with pytest.raises(ProcessFailed, match=r"results cannot be written to \S+/file: File exists"):
        session.clear()


def test_a_scenarios_folder_has_a_plain_name() -> None:
    assert Scenario(name="load.asks[/a/b c]").folder == "load.asks-a-b-c-"


def test_a_server_that_nobody_may_look_at_has_met_nothing(
    load_test: LoadTest, tmp_path: Path, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr("loadcheck.usage.read_tree", denied)
    monkeypatch.setattr("loadcheck.outcome.void_reasons", lambda _: ())
    small = asgi("small_server:app", folder=HERE, SMALL_TOKEN="unspoken")
    with serving(small, logs=tmp_path) as server:
        run = load_test.play(asking("Good", hold_s=0.2), server)
    with pytest.raises(RunInconclusive, match="nobody watches this figure of the server"):
        load_test.check(run, objective(memory_mb=1_000))
