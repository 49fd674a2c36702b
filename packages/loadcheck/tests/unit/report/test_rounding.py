import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadcheck.model.judgement import UNBOUNDED, Interval
from loadcheck.report.gitlab import rounded


@pytest.mark.parametrize(
    ("value", "interval", "shown"),
    [
        (3.172, Interval(3.10, 3.25), 3.2),
        (3.172, Interval(3.170, 3.173), 3.17),
        (119.8, Interval(110.0, 131.0), 100.0),
        (119.8, Interval(119.0, 121.0), 120.0),
        (3.172, Interval(0.0, 90.0), 3.0),  # a figure is never rounded away
        (3.172, UNBOUNDED, 3.0),
        (3.172, None, 3.2),
        (0.99, Interval(0.99, 0.99), 0.99),
        (0.0, None, 0.0),
    ],
)
def test_a_figure_keeps_the_digits_that_its_interval_leaves_it(value, interval, shown):
    assert rounded(value, interval) == shown


@given(st.floats(1e-3, 1e6), st.floats(1e-3, 0.5))
def test_rounding_moves_a_figure_by_less_than_its_interval_is_wide(value, share):
    width = value * share
    moved = abs(rounded(value, Interval(value - width / 2, value + width / 2)) - value)
    assert moved <= 1.25 * width + 1e-9  # a step is at most 2.5 times as wide, and half of it is lost


@given(st.floats(2.0, 9.0))
def test_two_runs_within_the_noise_mostly_show_the_same(value):
    steps = {rounded(value + shift, Interval(value - 0.5, value + 0.5)) for shift in (-0.1, 0.0, 0.1)}
    assert len(steps) <= 2
    assert all(math.isclose(step % 1, 0, abs_tol=1e-9) for step in steps)
