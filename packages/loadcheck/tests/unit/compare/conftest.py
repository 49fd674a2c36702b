"""Comparisons that nobody made: one of each verdict."""

import pytest
from packages.loadcheck.tests.unit.compare.outcomes import OUTCOMES

from loadcheck.compare.comparison import Outcome


@pytest.fixture
def not_slower() -> Outcome:
    return OUTCOMES["not_slower"]


@pytest.fixture
def slower() -> Outcome:
    return OUTCOMES["slower"]


@pytest.fixture
def faster() -> Outcome:
    return OUTCOMES["faster"]


@pytest.fixture
def inconclusive() -> Outcome:
    return OUTCOMES["inconclusive"]


@pytest.fixture
def void() -> Outcome:
    return OUTCOMES["void"]


@pytest.fixture
def failing() -> Outcome:
    return OUTCOMES["failing"]


@pytest.fixture
def empty() -> Outcome:
    return OUTCOMES["empty"]
