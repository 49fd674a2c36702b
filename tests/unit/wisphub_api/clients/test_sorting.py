"""Columns, sorted and cut."""

from array import array

import numpy as np

from wisphub_api.clients.sorting import groups_of, newest_by_key, starts_of


def test_of_the_rows_of_one_key_the_last_is_taken():
    assert newest_by_key(array("q", [5, 3, 5, 1, 3])) == [3, 4, 2]
    assert newest_by_key(array("q")) == []


def test_groups_are_taken_one_after_the_other():
    values, starts = np.arange(6, dtype=np.int32), starts_of(np.array([2, 0, 3, 1], np.int32))
    for groups in ([0], [0, 2], [3, 1, 0], []):
        expected = [value for group in groups for value in values[starts[group] : starts[group + 1]]]
        assert groups_of(starts, values, np.array(groups, np.int32)).tolist() == expected


def test_many_groups_are_taken_as_few_are():
    values, starts = np.arange(6, dtype=np.int32), starts_of(np.array([2, 0, 3, 1], np.int32))
    groups = np.array([2, 0, 1] * 300, np.int32)
    assert groups_of(starts, values, groups).tolist() == [2, 3, 4, 0, 1] * 300
