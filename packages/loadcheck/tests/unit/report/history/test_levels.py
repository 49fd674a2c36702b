import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadcheck.report.history.levels import levels

SEED = 7


def noisy(random, spread=0.06, count=60):
    return 10 * (1 + spread * random.normal(size=count))


def alike(random, spread=0.06, count=60):
    """Noise in which a night resembles the one before it: their correlation is 0.3."""
    values = random.normal(size=count)
    for number in range(1, count):
        values[number] = 0.3 * values[number - 1] + np.sqrt(1 - 0.3**2) * values[number]
    return 10 * (1 + spread * values)


def with_bad_nights(random, spread=0.06, count=60):
    """Noise in which every twentieth night is slower by a fifth to three fifths."""
    return noisy(random, spread, count) * np.where(
        random.random(count) < 0.05, random.uniform(1.2, 1.6, count), 1
    )


def stepped(values, at):
    """Raise all values from a place on by a tenth."""
    return np.where(np.arange(len(values)) < at, values, 1.1 * values)


def begins(values):
    """Where each level but the first begins."""
    return [level.places[0] for level in levels(np.array(values, float))[1:]]


@pytest.mark.parametrize(
    ("noise", "measured", "at_most"),
    [(noisy, 0.003, 0.01), (alike, 0.053, 0.06), (with_bad_nights, 0.013, 0.02)],
)
def test_noise_alone_hardly_ever_makes_a_change(noise, measured, at_most):
    """Of 300 histories of 60 nights; `measured` is the share that showed one when this was written."""
    random = np.random.default_rng(SEED)
    alarms = sum(bool(begins(noise(random))) for _ in range(300))
    assert alarms / 300 <= at_most, f"{measured} was measured"


@pytest.mark.parametrize(
    ("noise", "spread", "nights_after", "measured", "at_least"),
    [
        (noisy, 0.02, 3, 0.94, 0.9),
        (noisy, 0.02, 30, 0.96, 0.95),
        (with_bad_nights, 0.02, 30, 0.95, 0.9),
        (noisy, 0.04, 30, 0.70, 0.65),
    ],
)
def test_a_step_of_a_tenth_is_found_at_its_commit(noise, spread, nights_after, measured, at_least):
    """In 100 histories of 60 nights; `measured` is the share that showed this change and no other."""
    random = np.random.default_rng(SEED)
    found = [begins(stepped(noise(random, spread), 60 - nights_after)) for _ in range(100)]
    assert found.count([60 - nights_after]) / 100 >= at_least, f"{measured} was measured"


def test_in_much_noise_a_step_of_a_tenth_is_found_at_most_two_commits_off():
    """As above, with a spread of 4 %, in 99 of 100."""
    random = np.random.default_rng(SEED)
    found = [begins(stepped(noisy(random, 0.04), 30)) for _ in range(100)]
    assert sum(len(places) == 1 and abs(places[0] - 30) <= 2 for places in found) >= 95


def test_a_level_has_the_mean_of_all_its_values():
    """Otava 0.8.0 gives here, for the second level, the first of its values: 12.2."""
    values = 10 * np.exp(np.random.default_rng(1).normal(0, 0.05, 60))
    values[30:] *= 1.1
    before, after = levels(values)
    assert before.mean == pytest.approx(values[:30].mean())
    assert after.mean == pytest.approx(values[30:].mean())
    assert before.places + after.places == tuple(range(60))


def test_the_p_value_is_that_of_students_t_test():
    values = np.array([1.0, 2.0, 3.0, 2.0, 1.0, 7.0, 8.0, 9.0, 8.0, 7.0])
    first, second = levels(values)
    assert first.p_value == 1
    assert second.p_value == pytest.approx(3.29774e-6, rel=1e-5)  # scipy.stats.ttest_ind


@pytest.mark.parametrize("nights", [6, 15])
def test_up_and_down_again_are_two_changes(nights):
    """In the whole they hide each other."""
    usual = [5, 5.1, 4.9] * 5
    assert begins(usual + [8, 8.1, 7.9] * (nights // 3) + usual) == [15, 15 + nights]


@pytest.mark.parametrize(
    ("nights_after", "found"), [(1, []), (2, []), (3, [20])], ids=["one night", "two nights", "three nights"]
)
def test_what_lasts_for_less_than_three_nights_is_no_change(nights_after, found):
    before = [5, 5.1, 4.9, 5.05] * 5
    assert begins(before + [9, 9.1, 8.9][:nights_after]) == found
    assert begins(before + [9, 9.1, 8.9][:nights_after] + before) == []


def test_a_bad_night_belongs_to_no_level():
    values = [5, 5.1, 4.9, 5.05] * 5
    values[7] = 50
    (level,) = levels(np.array(values))
    assert set(range(20)) - set(level.places) == {7}
    assert level.mean == pytest.approx(5.01, abs=0.01)


def test_a_bad_night_does_not_hide_a_change():
    assert begins([5, 5.1, 4.9] * 5 + [8, 8.1, 30, 7.9, 8]) == [15]


def test_less_than_two_percent_is_no_change():
    steady = [100.0, 100.1] * 10
    assert begins(steady + [value * 1.019 for value in steady]) == []
    assert begins(steady + [value * 1.021 for value in steady]) == [20]


def test_what_never_varies_has_one_level():
    assert begins([0.0] * 20) == []
    assert begins([0.1] * 20) == []


def test_a_step_from_nothing_is_found_without_noise_to_compare_with():
    before, after = levels(np.array([0.0] * 10 + [0.5] * 10))
    assert (before.mean, after.mean, after.p_value) == (0, 0.5, 0)


@pytest.mark.parametrize("count", [1, 7])
def test_of_fewer_than_eight_values_nothing_is_told(count):
    values = np.array([1.0, 1.0, 1.0, 1.0, 9.0, 9.0, 9.0])[:count]
    (level,) = levels(values)
    assert level.places == tuple(range(count))


def test_changes_are_found_in_a_long_history():
    values = noisy(np.random.default_rng(SEED), spread=0.02, count=365)
    values[100:] *= 1.1
    values[300:] *= 0.8
    assert begins(values) == [100, 300]


def test_one_value_beside_another_proves_nothing():
    """Where two that are candidates lie side by side, neither is left out as a level of its own."""
    values = [
        10.13,
        4.73,
        1.37,
        0.07,
        0.06,
        2.14,
        0.49,
        0.23,
        13.86,
        73.65,
        3.22,
        0.88,
        0.37,
        2.57,
        1.24,
        0.18,
        15.47,
    ]
    (level,) = levels(np.array(values))
    assert level.places[0] == 0


@given(st.lists(st.floats(0, 1e6) | st.sampled_from([0.0, 1.0, 50.0]), min_size=1, max_size=40))
@settings(max_examples=200)
def test_whatever_the_values_there_is_a_level_and_no_value_has_two(values):
    found = levels(np.array(values))
    places = [place for level in found for place in level.places]
    assert all(level.places for level in found)
    assert places == sorted(set(places))
    assert set(places) <= set(range(len(values)))
    assert all(0 <= level.p_value <= 1 for level in found)


def test_looking_prints_nothing_and_leaves_logging_alone(capfd):
    handlers = list(logging.root.handlers)
    levels(np.array([1.0, 1.1] * 10 + [2.0, 2.1] * 10))
    assert capfd.readouterr() == ("", "")
    assert logging.root.handlers == handlers
