import itertools
import os
import time

import psutil
import pytest

from loadcheck.model.resources import Moment, Usage
from loadcheck.run.usage import Reading, UsageWatch, timeline, usage_between

READINGS = tuple(
    Reading(at=at, cpu_s=cpu_s, memory_bytes=memory, open_files=9, threads=int(at) - 7, lag_ms=lag_ms)
    for at, cpu_s, memory, lag_ms in [(10, 1, 100, None), (12, 2, 300, 4.0), (14, 6, 200, 2.5)]
)


def test_cpu_time_is_interpolated_at_both_ends() -> None:
    assert usage_between(READINGS, 11, 13) == Usage(
        cpu_s=2.5, cores=1.25, peak_memory_bytes=300, peak_open_files=9, peak_threads=5, lag_max_ms=4.0
    )


def test_outside_the_readings_the_nearest_counts() -> None:
    assert usage_between(READINGS, 0, 20).cpu_s == 5
    assert usage_between(READINGS, 12, 12).cores == 0
    assert usage_between(READINGS, 20, 30).peak_memory_bytes == 200


def test_without_readings_nothing_was_used() -> None:
    assert usage_between((), 0, 1) == Usage(
        cpu_s=0, cores=0, peak_memory_bytes=0, peak_open_files=0, peak_threads=0, lag_max_ms=None
    )


def test_a_process_that_does_not_tell_its_lag_has_none() -> None:
    assert usage_between(READINGS, 9, 11).lag_max_ms is None


def test_a_timeline_tells_the_cores_since_the_moment_before() -> None:
    found = timeline(READINGS, 9, 15)
    assert [(moment.at_s, moment.cores, moment.lag_ms) for moment in found] == [
        (1, 0.0, None),
        (3, 0.5, 4.0),
        (5, 2.0, 2.5),
    ]


def test_a_timelines_first_moment_knows_the_reading_before_it() -> None:
    assert timeline(READINGS, 11, 13) == (
        Moment(at_s=1, cores=0.5, memory_bytes=300, open_files=9, threads=5, lag_ms=4.0),
    )
    assert timeline(READINGS, 20, 30) == timeline((), 0, 1) == ()


def test_the_lag_is_asked_for_less_often_than_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadcheck.run.usage.READ_EVERY_S", 0.001)
    lags = itertools.count(7.0)
    watch = UsageWatch(os.getpid(), lambda: next(lags))
    while len(watch.readings) < 6:
        time.sleep(0.001)
    watch.stop()
    assert [reading.lag_ms for reading in watch.readings[:6]] == [7.0, None, None, None, 8.0, None]


def test_who_may_not_be_looked_at_has_no_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr("loadcheck.run.usage.read_tree", denied)
    watch = UsageWatch(os.getpid())
    watch.stop()
    assert watch.readings == []
