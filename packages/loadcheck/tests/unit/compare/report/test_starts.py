"""Starts and memory, told beside the verdict."""

import numpy as np
import pytest
from msgspec.structs import replace
from scipy import stats

from loadcheck.compare.comparison import BASE, HEAD, Start
from loadcheck.compare.report.starts import shift, started


def test_the_shift_is_that_of_students_test():
    draw = np.random.default_rng(1)
    base, head = draw.lognormal(0, 0.1, 8), draw.lognormal(0.05, 0.1, 4)
    found = shift(base.tolist(), head.tolist())
    expected = stats.ttest_ind(np.log(head), np.log(base))
    low, high = expected.confidence_interval(0.95)
    assert found.interval().low == pytest.approx(np.expm1(low))
    assert found.interval().high == pytest.approx(np.expm1(high))
    assert found.p_more() == pytest.approx(expected.pvalue / 2)


def test_each_side_is_told_and_then_the_change(not_slower):
    *sides, change = started(not_slower)
    assert [row.side for row in sides] == ["base", "base again", "head"]
    assert sides[0].told[0] == "0.840 s (0.810 to 0.870)"
    assert (change.side, change.count) == ("change", "")
    assert change.told[1].startswith("+0.0 % (")


def test_whole_numbers_have_no_point(not_slower):
    one = tuple(
        Start(side=side, ready_s=1.0, memory_bytes=102_000_000, peak_bytes=2) for side in (BASE, HEAD)
    )
    assert next(started(replace(not_slower, starts=one))).told[1] == "102 MB (102 to 102)"


def test_of_one_start_a_side_no_change_is_told(not_slower):
    one = tuple(Start(side=side, ready_s=1.0, memory_bytes=1, peak_bytes=2) for side in (BASE, HEAD))
    assert [row.side for row in started(replace(not_slower, starts=one))] == ["base", "head"]
