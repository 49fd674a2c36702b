import pytest

from benchmarks.peers.figures import LIMIT, RATE, US, Measures, Spread, spread


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
