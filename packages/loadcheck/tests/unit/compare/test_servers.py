"""Whole comparisons of rounds that are made up; real servers are compared in tests/perf/test_comparing.py."""

import pytest
from msgspec.structs import replace
from packages.loadcheck.tests.unit.compare.made_up import MadeUp, Version, plan

from loadcheck.compare.comparison import Comparison
from loadcheck.compare.decide import ALIKE, DECIDING, Rules
from loadcheck.compare.look import ALL
from loadcheck.compare.profiles import Sampling
from loadcheck.compare.rounds import Played, RoundPlan
from loadcheck.compare.servers import compare_servers
from loadcheck.run.process import ProcessFailed

BUSY = "something else kept 1.2 of 2 cores busy"


def moved(outcome: Comparison) -> set[str]:
    """Return the figures that are what the run is."""
    return {figure.name for figure in outcome.figures if figure.verdict == outcome.verdict}


def change_of(outcome: Comparison, name: str) -> float:
    return next(figure.change for figure in outcome.figures if figure.name == name)


def test_a_slower_search_is_found_alone_and_named():
    told: list[str] = []
    made = MadeUp(head=Version(work_ms=0.2))
    outcome = compare_servers(plan(tell=told.append), made.around)
    assert outcome.verdict == "slower"
    assert moved(outcome) == {f"{ALL} CPU", *(f"/search {metric}" for metric in ("P50", "P95", "CPU"))}
    assert change_of(outcome, "/search P50") == pytest.approx(0.1, abs=0.02)
    assert change_of(outcome, "/search CPU") == pytest.approx(0.2, abs=0.02)
    assert change_of(outcome, f"{ALL} CPU") == pytest.approx(0.1, abs=0.02)
    assert [each.function for each in outcome.grown] == ["look_up (server.py)"]
    assert told[0] == "round 1 played"
    assert told[-1] == "slower: profiling both sides"


def test_a_wait_is_found_that_costs_no_cpu_time_and_named():
    outcome = compare_servers(plan(), MadeUp(head=Version(wait_ms=0.4)).around)
    assert outcome.verdict == "slower"
    assert moved(outcome) == {"/search P50", "/search P95"}
    assert change_of(outcome, "/search P50") == pytest.approx(0.2, abs=0.02)
    assert abs(change_of(outcome, "/search CPU")) < 0.02
    assert outcome.grown[0].function == "look_up (server.py)"


@pytest.mark.parametrize("base", [Version(work_ms=0.4), Version(wait_ms=0.4)])
def test_a_faster_search_is_told_and_not_profiled(base):
    made = MadeUp(base=base)
    outcome = compare_servers(plan(), made.around)
    assert outcome.verdict == "faster"
    assert {"/search P50", "/search P95"} <= moved(outcome) <= {f"{ALL} CPU", *search_figures()}
    assert not outcome.grown
    assert len(made.played) == outcome.rounds


def search_figures() -> set[str]:
    return {f"/search {metric}" for metric in ("P50", "P95", "P99", "CPU")}


@pytest.mark.parametrize("version", [Version(), Version(work_ms=5.0)])
def test_the_same_code_is_not_slower_than_anybody_cares(version):
    outcome = compare_servers(plan(), MadeUp(base=version, head=version).around)
    assert outcome.verdict == "not slower"
    assert {each.verdict for each in outcome.figures if each.metric in DECIDING} == {"not slower"}
    assert {each.endpoint for each in outcome.control} == {ALL, "/", "/search"}
    assert outcome.void_reasons == ()


def test_it_is_told_what_was_played_and_by_whom():
    made = MadeUp()
    outcome = compare_servers(plan(env={"KEY": "1"}, foreign_share=0.5), made.around)
    assert (outcome.scenario, outcome.base_name) == ("small", "main")
    assert (outcome.base, outcome.head) == ("b" * 40, "h" * 40)
    assert outcome.rounds == len(made.played) >= 2
    assert outcome.looks == outcome.rounds - 1
    assert outcome.rules.looks == 12
    assert outcome.looked_s == 9 * outcome.rounds
    assert outcome.took_s == 12 * outcome.rounds
    assert 600 * outcome.rounds < outcome.requests <= 1_200 * outcome.rounds
    assert {start.side for start in outcome.starts} == {"base", "control", "head"}
    assert set(outcome.curves) == {"/", "/search"}
    first, second = made.played[:2]
    assert {side: each.folder for side, each in first.programs.items()} == {
        "base": plan().base.folder,
        "control": plan().base.folder,
        "head": plan().head.folder,
    }
    assert len({each.name for each in first.programs.values()}) == 3
    assert (first.env, first.foreign_share) == ({"KEY": "1"}, 0.5)
    assert first.workload.stages[-1].hold_s == 9
    assert second.workload.seed == first.workload.seed + 1  # other requests


def test_it_ends_with_the_first_look_that_decides():
    outcome = compare_servers(plan(), MadeUp().around)
    one_less = MadeUp(long_s={outcome.rounds - 1: 1_000})
    undecided = compare_servers(plan(), one_less.around)
    assert (outcome.verdict, undecided.verdict) == ("not slower", "inconclusive")
    assert undecided.rounds == outcome.rounds - 1 >= 2


def test_no_round_begins_that_would_not_end_in_time():
    never = Rules(margin=1e-6, alpha=1e-9)
    assert compare_servers(plan(rules=never, limit_s=60.0), MadeUp().around).took_s == 48
    slow = MadeUp(long_s={2: 20})
    assert compare_servers(plan(rules=never, limit_s=75.0), slow.around).took_s == 44


def test_what_no_run_could_tell_is_inconclusive_and_says_what_it_could_have_seen():
    outcome = compare_servers(
        plan(rules=Rules(alike=dict.fromkeys(ALIKE, 0.5)), limit_s=60.0), MadeUp().around
    )
    assert outcome.verdict == "inconclusive"
    assert all(figure.visible > 0.5 for figure in outcome.figures)


def test_a_head_that_fails_where_base_does_not_is_failing_however_fast():
    outcome = compare_servers(plan(), MadeUp(base=Version(work_ms=3), head=Version(failing=0.05)).around)
    assert outcome.verdict == "failing"
    assert outcome.failures["head"]["GET /search: HTTP 500"] > 0
    assert outcome.failures["base"] == {}
    assert not outcome.grown


def test_what_fails_on_both_sides_is_no_difference():
    both = Version(status=503, failing=1.0)
    outcome = compare_servers(plan(), MadeUp(base=both, head=both).around)
    assert outcome.failures["base"]["GET /search: HTTP 503"] > 0
    assert outcome.verdict == "not slower"  # of what did not fail
    assert {each.endpoint for each in outcome.figures} == {ALL, "/"}


def test_on_a_busy_machine_rounds_do_not_count_and_the_run_is_void():
    outcome = compare_servers(plan(), MadeUp(head=Version(work_ms=1), disturbed=lambda _: BUSY).around)
    assert outcome.verdict == "void"
    assert outcome.void_reasons == (f"9 of 9 rounds were disturbed: {BUSY}",)
    assert set(outcome.disturbed) == {BUSY}
    assert (outcome.figures, outcome.rounds, outcome.looks) == ((), 0, 0)
    assert not outcome.grown


def test_of_a_few_disturbed_rounds_nothing_is_heeded_but_their_failures():
    told: list[str] = []
    made = MadeUp(
        head=Version(work_ms=0.2, failing=0.001), disturbed=lambda number: BUSY if number == 2 else ""
    )
    outcome = compare_servers(plan(tell=told.append), made.around)
    assert outcome.verdict == "slower"
    assert outcome.disturbed == (BUSY,)
    assert outcome.rounds == 2
    assert told[:2] == ["round 1 played", BUSY]


def test_one_round_is_too_few():
    outcome = compare_servers(plan(limit_s=10.0), MadeUp(head=Version(work_ms=9)).around)
    assert outcome.verdict == "void"
    assert outcome.void_reasons == ("0 of 1 rounds were disturbed: there was no time for more",)


@pytest.mark.parametrize("control", [Version(work_ms=0.3), Version(wait_ms=0.3)])
def test_base_that_differs_from_itself_makes_a_run_void(control):
    outcome = compare_servers(plan(), MadeUp(control=control, head=Version(work_ms=1)).around)
    assert outcome.verdict == "void"
    assert any(
        reason.startswith("base differs from itself: /search P") and "by +" in reason
        for reason in outcome.void_reasons
    )


def test_a_server_that_fails_is_told():
    def play(*_: object) -> Played:
        raise ProcessFailed("it did not start")

    with pytest.raises(ProcessFailed, match="it did not start"):
        compare_servers(plan(), replace(MadeUp().around, play=play))


def test_without_a_profile_the_verdict_stands():
    made = MadeUp(head=Version(work_ms=1))
    told: list[str] = []

    def play(round_plan: RoundPlan, sampling: Sampling | None) -> Played:
        if sampling:
            raise ProcessFailed("py-spy ended")
        return made.around.play(round_plan, sampling)

    outcome = compare_servers(plan(tell=told.append), replace(made.around, play=play))
    assert (outcome.verdict, outcome.grown) == ("slower", ())
    assert told[-1] == "no profile: py-spy ended"


@pytest.mark.parametrize(
    ("head", "sees_waits"),
    [
        (Version(work_ms=0.4), False),
        (Version(wait_ms=0.4), True),
        (Version(work_ms=0.4, wait_ms=1.0), True),
        (Version(work_ms=1.0, wait_ms=0.4), False),
    ],
)
def test_what_waits_is_looked_at_where_most_of_the_time_is_no_work(head, sees_waits):
    made = MadeUp(head=head)
    compare_servers(plan(profiled_s=6.0), made.around)
    assert made.sampled == [Sampling(seconds=6.0, sees_waits=sees_waits)]


def test_many_users_are_profiled_on_base_and_head():
    made = MadeUp(head=Version(work_ms=1))
    compare_servers(plan(profiled_s=6.0), made.around)
    *_, last = made.played
    assert last.programs.keys() == {"base", "head"}
    assert last.workload.users_at_end > 1
    assert last.workload.stages[-1].hold_s > 6


def test_a_project_that_is_changed_meanwhile_makes_a_run_void():
    states = iter(["as it was", "changed"])
    outcome = compare_servers(plan(), MadeUp(state_of=lambda _: next(states)).around)
    assert outcome.verdict == "void"
    assert outcome.void_reasons == ("the project was changed while it was compared",)
