import msgspec
import pytest

from loadcheck.report.words import asked, doubts, overall, shortly, title, verdict_on_check


def test_a_session_is_told_in_one_sentence(record):
    assert overall(record) == "Of 6 scenarios, 2 missed an objective, 1 inconclusive, 1 void, 2 met."


def test_a_good_session_is_told_shortly(record, results):
    met = msgspec.structs.replace(record, results=(results["ttl_expiry"],) * 2)
    assert overall(met) == "Every objective was met."
    assert overall(msgspec.structs.replace(record, results=())) == "No scenario was played."


def test_the_load_that_was_asked_for_is_told(results):
    assert asked(results["documented_load"]) == (
        "Closed workload: 50 users (50/s) for 30 s; 3 s of warm-up; BotUser; seed 1."
    )
    assert asked(results["arrival_rate"]).startswith("Open workload: 150 arrivals/s (poisson) for 30 s;")
    assert asked(msgspec.structs.replace(results["ttl_expiry"], workload=None)) == "Requests one at a time."
    assert not asked(results["most_users"])


@pytest.mark.parametrize(
    ("folder", "attempt", "name"),
    [("a", 1, "a"), ("a/cold", 1, "a, cold"), ("a", 2, "a, attempt 2"), ("a/cold", 2, "a, cold, attempt 2")],
)
def test_a_result_is_named_after_its_run(results, folder, attempt, name):
    result = msgspec.structs.replace(results["ttl_expiry"], scenario="a", folder=folder, attempt=attempt)
    assert title(result) == name


def test_a_result_is_summed_up(results):
    assert shortly(results["ttl_expiry"]) == "3,471 requests · 116/s · P95 5 ms · 0 failed"
    assert not shortly(msgspec.structs.replace(results["ttl_expiry"], judgements=()))


def test_in_a_void_run_a_met_limit_is_void(results):
    void = msgspec.structs.replace(results["ttl_expiry"], void_reasons=("busy",))
    judgement = void.judgements[0]
    assert {verdict_on_check(void, judgement, check) for check in judgement.checks} == {"void"}


def test_in_a_void_run_failures_still_miss(results):
    void = msgspec.structs.replace(results["documented_load"], void_reasons=("busy",))
    judgement = void.judgements[1]
    assert [verdict_on_check(void, judgement, check) for check in judgement.checks] == ["missed", "void"]


def test_what_could_not_be_decided_is_told_with_its_reason(results):
    told = list(doubts(results["arrival_rate"]))
    assert told[0].startswith("arrival_rate: all requests, p95 ≤ 10 ms: ")
    assert not list(doubts(results["ttl_expiry"]))
