import msgspec
import numpy as np
import pytest

from loadcheck.report.history.change_points import courses, series_of
from loadcheck.report.history.measurements import EndpointFigures, Machine, ScenarioFigures

STEADY = [10.0, 10.2, 9.8, 10.1, 9.9] * 3
HIGHER = [value * 1.2 for value in STEADY]


def changes(history):
    return [change for course in courses(history) for change in course.changes]


def commit(number):
    return f"{number:04}".ljust(40, "c")


def test_a_change_names_the_first_commit_at_the_new_level_and_the_last_at_the_old(nights):
    (change,) = changes(nights(STEADY + HIGHER))
    assert (change.number, change.commit, change.commit_before) == (15, commit(15), commit(14))
    assert change.percent == pytest.approx(20)
    assert (change.before, change.after) == pytest.approx((10, 12))
    assert change.p_value < 1e-9


@pytest.mark.parametrize(
    ("metric", "is_worse_when_higher"),
    [
        ("p50_ms", True),
        ("p95_ms", True),
        ("p99_ms", True),
        ("failure_ratio", True),
        ("cpu_per_request_ms", True),
        ("memory_mb", True),
        ("rate_per_s", False),
    ],
)
def test_what_is_worse_depends_on_the_figure(nights, metric, is_worse_when_higher):
    (rise,) = changes(nights(STEADY + HIGHER, metric))
    (fall,) = changes(nights(HIGHER + STEADY, metric))
    assert rise.is_worse == is_worse_when_higher
    assert fall.is_worse != is_worse_when_higher
    assert fall.percent == pytest.approx(-100 / 6)


def test_a_commit_without_the_figure_is_passed_over(nights):
    history = nights([*STEADY, None, None, *HIGHER])
    (change,) = changes(history)
    assert (change.commit, change.commit_before) == (commit(17), commit(14))


def test_a_bad_night_before_a_change_is_not_the_last_one_at_the_old_level(nights):
    (change,) = changes(nights([*STEADY, 90.0, *HIGHER]))
    assert (change.commit, change.commit_before) == (commit(16), commit(14))


def test_a_step_from_zero_has_no_percentage(nights):
    (change,) = changes(nights([0.0] * 10 + [0.1] * 10, "failure_ratio"))
    assert change.percent is None
    assert change.is_worse


def test_a_step_to_zero_is_all_of_it(nights):
    (change,) = changes(nights([0.1] * 10 + [0.0] * 10, "failure_ratio"))
    assert change.percent == -100
    assert not change.is_worse


def mixed(one, other):
    """Take the nights of both in turn."""
    return tuple(night for both in zip(one, other, strict=True) for night in both)


def test_machines_are_not_compared(nights):
    faster = Machine(processor="Another Processor 5.0 GHz", cores=2, python="3.11.9")
    moved = [*STEADY[:14], None] + [value * 2 for value in STEADY]
    history = mixed(nights(STEADY + STEADY), nights(moved, machine=faster))
    assert [series.machine for series in series_of(history)] == [
        "Some Processor 3.0 GHz, 2 cores",
        "Another Processor 5.0 GHz, 2 cores",
    ]
    (change,) = changes(history)
    assert change.series.machine == "Another Processor 5.0 GHz, 2 cores"
    assert (change.number, change.commit_before) == (31, commit(13))
    assert not changes((*nights(STEADY), *nights(HIGHER, machine=faster)))


def test_another_python_is_compared(nights):
    renewed = Machine(processor="Some Processor 3.0 GHz", cores=2, python="3.12.1")
    assert len(changes((*nights(STEADY), *nights(HIGHER, machine=renewed)))) == 1


def test_profiles_are_not_compared(nights):
    assert not changes((*nights(STEADY), *nights(HIGHER, profile="short")))


def test_endpoints_and_all_requests_are_series_of_their_own(nights):
    endpoints = tuple(EndpointFigures(endpoint=name, p95_ms=1.0) for name in (None, "/a", "/b"))
    played = ScenarioFigures(scenario="load", verdict="met", cpu_per_request_ms=2.0, endpoints=endpoints)
    (only,) = nights([1.0])
    found = series_of((msgspec.structs.replace(only, scenarios=(played,)),))
    assert [(series.endpoint, series.metric) for series in found] == [
        (None, "p95_ms"),
        ("/a", "p95_ms"),
        ("/b", "p95_ms"),
        (None, "cpu_per_request_ms"),
    ]


def test_levels_are_told_by_their_places_in_the_history(nights):
    (course,) = courses(nights([None, *STEADY, None, *HIGHER]))
    assert [(stay.first, stay.last) for stay in course.stays] == [(1, 15), (17, 31)]
    assert [stay.mean for stay in course.stays] == pytest.approx([10, 12])


def test_with_too_few_records_it_says_so(nights):
    (course,) = courses(nights([1.0, 1.0, 1.0, 1.0, 9.0, 9.0, 9.0]))
    assert course.has_too_few
    assert not course.changes
    (course,) = courses(nights([1.0, 1.0, 1.0, 1.0, 9.0, 9.0, 9.0, 9.0]))
    assert not course.has_too_few
    assert course.changes


def test_nothing_is_found_in_nothing(nights):
    assert courses(()) == ()
    assert courses(nights([None, None])) == ()


def test_noise_is_no_change(nights):
    values = 10 * (1 + 0.06 * np.random.default_rng(3).normal(size=60))
    assert not changes(nights(values))
