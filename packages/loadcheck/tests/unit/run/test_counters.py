import itertools
import time

import pytest

from loadcheck.run.counters import CounterWatch, growth

READINGS = ((0.0, 10.0), (1.0, 12.0), (2.0, 15.0), (3.0, 16.0))


@pytest.mark.parametrize(("from_s", "grown"), [(0, 6), (1.0, 4), (1.9, 4), (2.5, 1), (9, 0), (-1, 6)])
def test_growth_counts_from_the_last_reading_before(from_s: float, grown: float) -> None:
    assert growth(READINGS, from_s) == grown


def test_without_readings_nothing_has_grown() -> None:
    assert growth((), 0) == 0


def test_counters_are_read_at_the_beginning_and_the_end() -> None:
    values = iter((5, 7))
    zero = time.time()
    with CounterWatch({"calls": lambda: next(values), "jobs": lambda: 1}) as watch:
        pass
    (first_s, first), (last_s, last) = watch.readings(zero)["calls"]
    assert (first, last) == (5.0, 7.0)
    assert 0 <= first_s <= last_s < 60
    assert [value for _, value in watch.readings(zero)["jobs"]] == [1.0, 1.0]


def test_counters_are_read_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadcheck.run.counters.READ_EVERY_S", 0.001)
    numbers = itertools.count()
    with CounterWatch({"calls": lambda: next(numbers)}) as watch:
        while len(watch.readings(0)["calls"]) < 4:
            pass
    values = [value for _, value in watch.readings(0)["calls"]]
    assert values == [*range(len(values))]


def test_no_counters_have_no_readings() -> None:
    with CounterWatch({}) as watch:
        pass
    assert watch.readings(0) == {}


def failing_from(number: int):
    """A counter that counts up to a number and raises from then on."""
    numbers = itertools.count()

    def read() -> float:
        if (value := next(numbers)) >= number:
            raise RuntimeError(f"nobody answers, {value}")
        return value

    return read


def test_a_counter_that_raises_at_once_is_not_waited_for() -> None:
    with pytest.raises(RuntimeError, match="nobody answers, 0"), CounterWatch({"calls": failing_from(0)}):
        raise AssertionError("it must not begin")


def test_a_counter_that_raises_at_the_end_is_heard() -> None:
    with pytest.raises(RuntimeError, match="nobody answers, 1"), CounterWatch({"calls": failing_from(1)}):
        pass


def test_a_counter_that_raises_meanwhile_is_heard_though_it_recovers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadcheck.run.counters.READ_EVERY_S", 0.001)
    reads: list[int] = []

    def read() -> float:
        reads.append(len(reads))
        if len(reads) == 2:
            raise RuntimeError("nobody answers")
        return 1

    with pytest.raises(RuntimeError, match="nobody answers"), CounterWatch({"calls": read}):  # noqa: PT012 - it is on leaving
        while len(reads) < 2:
            pass
    assert len(reads) == 3


def test_an_error_of_the_run_itself_is_not_hidden_by_a_counters() -> None:
    with pytest.raises(KeyError, match="the run's"), CounterWatch({"calls": failing_from(1)}):
        raise KeyError("the run's")


def test_a_counter_that_falls_has_begun_anew() -> None:
    readings = ((0.0, 5.0), (1.0, 9.0), (2.0, 2.0), (3.0, 4.0))
    assert growth(readings, 0.0) == 4 + 2 + 2
    assert growth(readings, 1.5) == 2 + 2
