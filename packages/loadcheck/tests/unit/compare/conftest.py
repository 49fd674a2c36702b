"""Comparisons that nobody made: one of each verdict."""

import pytest
from packages.loadcheck.tests.unit.compare.outcomes import OUTCOMES

from loadcheck.compare.comparison import Comparison


@pytest.fixture
def not_slower() -> Comparison:
    return OUTCOMES["not_slower"]


@pytest.fixture
def slower() -> Comparison:
    return OUTCOMES["slower"]


@pytest.fixture
def faster() -> Comparison:
    return OUTCOMES["faster"]


@pytest.fixture
def inconclusive() -> Comparison:
    return OUTCOMES["inconclusive"]


@pytest.fixture
def void() -> Comparison:
    return OUTCOMES["void"]


@pytest.fixture
def failing() -> Comparison:
    return OUTCOMES["failing"]


@pytest.fixture
def empty() -> Comparison:
    return OUTCOMES["empty"]
