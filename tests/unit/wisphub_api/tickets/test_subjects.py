"""Subjects, as people type them."""

import re

import pytest

from wisphub_api.exceptions import InvalidRequest
from wisphub_api.tickets.subjects import SUBJECTS, closest_subjects, find_subject


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("Internet Lento", ("Internet Lento", 2)),
        ("  internet   LENTO ", ("Internet Lento", 2)),
        ("cancelacion", ("Cancelación", 1)),
        ("No tiene internet", ("No Tiene Internet", 3)),
        ("CAJA NAP DANADA", ("Caja Nap Dañada", 4)),
        ("cambio de antena + router wifi", ("Cambio de Antena + Router Wifi", 3)),
    ],
)
def test_a_subject_is_known_by_its_letters_and_gives_the_priority(given, found):
    assert find_subject(given) == found


def test_there_are_31_subjects_each_with_one_priority():
    names = [name for group in SUBJECTS for name in group.subjects]
    assert (len(names), len(set(map(str.casefold, names)))) == (31, 31)
    assert [len(group.subjects) for group in SUBJECTS] == [5, 5, 18, 3]
    assert [(group.priority, group.level) for group in SUBJECTS] == [
        (1, "low"),
        (2, "normal"),
        (3, "high"),
        (4, "very high"),
    ]


@pytest.mark.parametrize(
    ("given", "closest"),
    [
        ("no tengo internet", "No Tiene Internet"),
        ("ANTENA DANADO", "Antena Dañada"),
        ("cambio de clave wifi", "Cambio de Router Wifi"),
        ("reconectar", "Reconexión"),
    ],
)
def test_an_unknown_subject_is_refused_with_those_that_come_closest(given, closest):
    with pytest.raises(InvalidRequest, match=f"Did you mean: .*{re.escape(closest)}") as raised:
        find_subject(given)
    assert raised.value.field == "subject"
    assert len(closest_subjects(given)) <= 3


@pytest.mark.parametrize("given", ["", "zzz", "Esperanza Benitez", "ñ" * 200])
def test_nothing_is_suggested_where_nothing_comes_close_nor_is_what_was_given_repeated(given):
    with pytest.raises(InvalidRequest) as raised:
        find_subject(given)
    detail = str(raised.value)
    assert detail == "There is no such subject. All of them are at /api/v1/tickets/subjects."
