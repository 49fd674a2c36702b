import math

import pytest
from msgspec.structs import replace

from loadcheck.compare.report.page import ChangeStrip, reach, strip


@pytest.fixture
def figure(slower):
    return next(each for each in slower.figures if each.verdict == "slower")


def test_no_change_is_in_the_middle(figure):
    steady = replace(figure, change=0.0, low=-0.05, high=0.05)
    assert strip(steady, 0.05, reach=0.1) == ChangeStrip(low=25.0, high=75.0, change=50.0, margin=75.0)


def test_what_lies_beyond_the_line_is_at_its_end(figure):
    far = replace(figure, change=0.3, low=-math.inf, high=math.inf)
    assert strip(far, 0.05, reach=0.2) == ChangeStrip(low=0.0, high=100.0, change=100.0, margin=62.5)


def test_what_is_no_number_has_no_place(figure):
    assert strip(replace(figure, change=math.nan), 0.05, reach=0.2) is None


def test_the_line_reaches_as_far_as_the_furthest_interval(figure):
    figures = [replace(figure, low=-0.12, high=0.01), replace(figure, low=-math.inf, high=math.inf)]
    assert reach(figures, margin=0.05) == pytest.approx(0.132)


def test_the_margin_is_always_to_be_seen_on_the_line(figure):
    assert reach([], margin=0.05) == 0.1
    assert reach([replace(figure, low=2.0, high=3.0)], margin=0.05) == 0.25


def test_without_a_margin_there_is_a_line_nevertheless():
    assert reach([], margin=0.0) > 0
