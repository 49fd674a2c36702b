import pytest

from benchmarks.peers.machine import Disturbance, Moment, disturbance, look


def test_what_neither_the_server_nor_wrk_spent_was_something_else():
    before = Moment(at_s=10.0, busy_s=100.0, stolen_s=1.0)
    after = Moment(at_s=12.0, busy_s=103.0, stolen_s=1.5)
    assert disturbance(before, after, own_s=2.0) == Disturbance(other=0.5, stolen=0.25)


def test_counters_that_lag_behind_are_no_disturbance():
    before = Moment(at_s=10.0, busy_s=100.0, stolen_s=1.0)
    after = Moment(at_s=12.0, busy_s=101.0, stolen_s=1.0)
    assert disturbance(before, after, own_s=1.2) == Disturbance(other=0.0, stolen=0.0)


@pytest.mark.parametrize(
    ("other", "stolen", "is_noisy"), [(0.1, 0.01, False), (0.2, 0.0, True), (0.0, 0.05, True)]
)
def test_a_tenth_of_a_core_is_bearable_and_a_fifth_is_not(other, stolen, is_noisy):
    assert Disturbance(other=other, stolen=stolen).is_noisy is is_noisy


def test_the_counters_only_grow():
    before, after = look(), look()
    assert after.at_s >= before.at_s > 0
    assert after.busy_s >= before.busy_s > 0
