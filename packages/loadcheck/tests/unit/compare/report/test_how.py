import pytest
from msgspec.structs import replace

from loadcheck.compare.decide import Rules
from loadcheck.compare.report.how import duration, how_it_was_run, load, rules_in_words
from loadcheck.model.workload import Users, arriving


def test_it_is_told_what_was_compared_and_for_how_long(slower):
    told = dict(how_it_was_run(slower))
    assert told["Base"] == f"origin/main, commit {slower.base}"
    assert told["Head"] == f"{slower.head}, with local changes"
    assert told["Workload"] == "50 users (50/s); BotUser; seed 1"
    assert told["Judged"] == (
        "58.8 s in 4 rounds of fresh processes, 14,203 successes of head's; looked at 8 of at most 14 times"
    )
    assert "Left out" not in told
    assert dict(how_it_was_run(replace(slower, disturbed=("a busy core", "no users", "a busy core"))))[
        "Left out"
    ] == ("rounds that were disturbed: a busy core (2 times); no users")
    assert told["Took"] == "2 min 11 s, starts included"


def test_what_is_not_known_is_left_out(empty):
    assert dict(how_it_was_run(empty)).keys() == {"Base", "Head", "Sides", "Took"}


def test_the_rules_are_told_with_their_numbers():
    told = dict(rules_in_words(Rules(margin=0.03, alpha=0.02, beta=0.1, alike={"P50": 0.015, "CPU": 0.02})))
    assert told["Slower, faster"].startswith("false alarms in at most 2 % of runs")
    assert told["Not slower"].startswith("CPU and P50 have risen by less than 3 %, P95 by less than 6 %: ")
    assert told["Not slower"].endswith("at most 10 % of runs")
    assert told["No change"].endswith("P50 1.5 %, CPU 2 % (standard deviation)")


def test_a_load_is_told_without_its_length_which_is_decided_on_the_way(slower):
    stages = (Users(users=10, spawn_rate=5, hold_s=3), Users(users=1_200, spawn_rate=100, hold_s=9))
    grown = replace(slower.workload, stages=stages, seed=7)
    assert load(grown) == "10 users (5/s), then 1,200 users (100/s); BotUser; seed 7"
    open_one = arriving("users.py:Bot", rate_per_s=150, hold_s=30)
    assert load(open_one) == "150 arrivals/s (poisson); Bot; seed 1"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.25, "0.25 s"), (58.84, "58.8 s"), (120, "2 min 0 s"), (599.7, "10 min 0 s")]
)
def test_long_times_are_in_minutes(seconds, text):
    assert duration(seconds) == text
