from typing import Any

import msgspec
import pytest

from loadcheck.judge.scenario import shortest_promise_ms
from loadcheck.judge.validity import RunFacts, ValidityRules, void_reasons
from loadcheck.model.facts import ArrivalFacts, Floor, GeneratorFacts, Spread, Window
from loadcheck.model.objectives import objective

SOUND = GeneratorFacts(
    started_at=0,
    ended_s=30,
    judged=Window(start_s=10, end_s=30, users=50),
    has_spawned=True,
    cpu_share=0.3,
    own_cores=0.3,
    machine_busy_cores=0.7,
    machine_cores=2,
    lag_p95_ms=1,
    mean_wait_s=2,
    unfinished_users=0,
)


def reasons(generator: GeneratorFacts = SOUND, *, rate_per_s: float = 24.5, **asked: Any) -> tuple[str, ...]:
    return void_reasons(
        RunFacts(generator=generator, rate_per_s=rate_per_s, mean_answer_s=0.01, server_cores=0.2, **asked)
    )


def test_a_sound_run_may_be_judged() -> None:
    assert reasons() == ()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"has_spawned": False}, "not all users came up"),
        ({"cpu_share": 0.9}, "the load generator was short of CPU (90% of a core over the whole run)"),
        ({"lag_p95_ms": 12.3}, "the load generator lagged (12.3 ms at P95)"),
        ({"machine_busy_cores": 1.5}, "something else kept 1.0 of 2 cores busy"),
    ],
)
def test_each_rule_says_why(changed: dict[str, object], reason: str) -> None:
    assert reasons(msgspec.structs.replace(SOUND, **changed)) == (reason,)


def test_a_rate_below_what_the_users_offer_is_void() -> None:
    assert reasons(rate_per_s=20) == ("20.0 requests/s, where the users offer 24.9",)


def test_an_open_run_is_not_held_to_the_rate_of_closed_users() -> None:
    arrivals = ArrivalFacts(due=600, dropped=0, late_p95_ms=2)
    assert reasons(msgspec.structs.replace(SOUND, arrivals=arrivals), rate_per_s=5) == ()


def test_arrivals_that_were_sent_late_are_void() -> None:
    late = ArrivalFacts(due=600, dropped=0, late_p95_ms=4.25)
    assert reasons(msgspec.structs.replace(SOUND, arrivals=late)) == (
        "the load generator sent arrivals late (4.2 ms at P95)",
    )


@pytest.mark.parametrize(("there", "found"), [(45, ()), (44, ("of 50 users 44 were there at the end",))])
def test_users_that_left_early_are_void(there: int, found: tuple[str, ...]) -> None:
    facts = msgspec.structs.replace(SOUND, users=((0.0, 50), (30.0, there)))
    assert reasons(facts, asked_users=50) == found
    assert reasons(facts) == ()


@pytest.mark.parametrize("due", [400, 800])
def test_arrivals_other_than_asked_for_are_void(due: int) -> None:
    facts = msgspec.structs.replace(SOUND, arrivals=ArrivalFacts(due=due, dropped=0, late_p95_ms=0))
    assert reasons(facts, asked_arrivals=600) == (f"{due} arrivals were due, where the stages ask for 600",)


@pytest.mark.parametrize(("due", "asked"), [(500, 600), (690, 600), (0, 10)])
def test_arrivals_vary_by_chance(due: int, asked: int) -> None:
    facts = msgspec.structs.replace(SOUND, arrivals=ArrivalFacts(due=due, dropped=0, late_p95_ms=0))
    assert reasons(facts, asked_arrivals=asked) == ()


def test_all_generator_processes_share_of_the_machine_is_no_strangers() -> None:
    several = msgspec.structs.replace(SOUND, machine_busy_cores=1.5, own_cores=1.2)
    assert reasons(several) == ()


def test_every_reason_is_told() -> None:
    bad = msgspec.structs.replace(SOUND, has_spawned=False, lag_p95_ms=9)
    assert len(reasons(bad, rate_per_s=1)) == 3


def test_rules_can_be_stricter() -> None:
    facts = RunFacts(generator=SOUND, rate_per_s=24.5, mean_answer_s=0.01, server_cores=0.2)
    strict = ValidityRules(generator_cores=0.2, lag_p95_ms=0.5, foreign_share=0.05, rate_share=0.99)
    assert len(void_reasons(facts, strict)) == 4


def test_users_without_waits_offer_no_known_rate() -> None:
    idle = RunFacts(
        generator=msgspec.structs.replace(SOUND, mean_wait_s=0),
        rate_per_s=0,
        mean_answer_s=0,
        server_cores=0.4,
    )
    assert (idle.offered_rate_per_s, void_reasons(idle)) == (0.0, ())


def test_lag_is_held_against_what_the_machine_itself_is_late() -> None:
    still = Spread(mean_ms=0, p50_ms=0, p90_ms=0, p95_ms=2.5, p99_ms=9, max_ms=9)
    late = msgspec.structs.replace(SOUND, lag_p95_ms=5.4)
    assert reasons(late) != ()
    assert reasons(msgspec.structs.replace(late, floor=Floor(echo=still, timer=still))) == ()


def test_lag_may_be_as_long_as_the_shortest_response_time_that_is_promised() -> None:
    """It only ever adds to response times."""
    late = msgspec.structs.replace(SOUND, lag_p95_ms=5.4)
    assert reasons(late, promised_ms=6) == ()
    assert reasons(late, promised_ms=5) == ("the load generator lagged (5.4 ms at P95)",)


def test_the_shortest_response_time_promised_is_looked_for_among_all_objectives() -> None:
    promised = (objective(p95_ms=9, min_p50_ms=1, cpu_cores=0.5), objective("/a", mean_ms=7))
    assert shortest_promise_ms(promised) == 7
    assert shortest_promise_ms((objective(),)) == 0
