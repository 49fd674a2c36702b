import pytest

from benchmarks.peers.figures import (
    LIMIT,
    RATE,
    US,
    Disturbance,
    Measures,
    Moment,
    Spread,
    disturbance,
    look,
    spread,
)


@pytest.fixture
def measures(measured) -> Measures:
    """Three rounds, of which the second was slow for both."""
    ours = [measured(US, number, rate) for number, rate in enumerate((90.0, 40.0, 85.0))]
    limit = [measured(LIMIT, number, rate) for number, rate in enumerate((100.0, 50.0, 100.0))]
    return Measures([*ours, *limit])


def test_a_ratio_is_of_the_same_round_so_that_drift_hits_both(measures):
    assert measures.ratio(RATE, 2_000, "plans", (US, LIMIT)) == Spread(0.85, 0.8, 0.9)


def test_a_figure_is_the_median_of_the_rounds(measures):
    assert measures.figure(RATE, 2_000, "plans", US) == Spread(85.0, 40.0, 90.0)


def test_a_round_in_which_one_failed_is_left_out(measured):
    found = Measures([measured(US, 0, 90.0), measured(US, 1, 50.0), measured(LIMIT, 1, 100.0)])
    assert found.ratio(RATE, 2_000, "plans", (US, LIMIT)) == Spread(0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("clients", "case", "server"), [(7, "plans", US), (2_000, "list", US), (2_000, "plans", "x")]
)
def test_there_is_no_ratio_of_what_was_not_measured(measures, clients, case, server):
    assert measures.ratio(RATE, clients, case, (server, LIMIT)) is None
    assert not measures.has(clients, case, server)


def test_sizes_and_cases_stay_in_their_order(measured):
    found = Measures(
        [measured(US, 0, 1, "plans"), measured(US, 0, 1, "list"), measured(US, 0, 1, "list", 50_000)]
    )
    assert (found.sizes(), found.cases(2_000), found.cases(50_000)) == (
        [2_000, 50_000],
        ["plans", "list"],
        ["list"],
    )


def test_of_an_even_number_of_rounds_the_median_lies_between_the_middle_two():
    assert spread([4.0, 1.0, 2.0, 9.0]) == Spread(3.0, 1.0, 9.0)


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
