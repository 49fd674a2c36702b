import time

import pytest

from loadcheck.driver.clock import Clock


def test_a_moment_of_the_calendar_is_told_in_seconds_of_the_run() -> None:
    clock = Clock()
    assert clock.moment_s(time.time() - 2) == pytest.approx(clock.elapsed_s() - 2, abs=0.1)


def test_a_calendar_that_is_set_during_a_run_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    an_hour_on = time.time() + 3_600
    monkeypatch.setattr("loadcheck.driver.clock.time.time", lambda: an_hour_on)
    assert clock.moment_s(an_hour_on - 2) == pytest.approx(-2, abs=0.1)
