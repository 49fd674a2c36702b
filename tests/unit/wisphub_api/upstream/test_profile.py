"""A whole name, in the two halves that WispHub Net keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.upstream.profile import split_name

WORDS = st.lists(st.sampled_from(["Ana", "de", "la", "Cruz", "Ñáñez"]), max_size=5).map(" ".join)


@pytest.mark.parametrize(
    ("name", "first", "last", "expected"),
    [
        ("Juan Carlos Benitez", "Juan Carlos", "Ruiz", ("Juan Carlos", "Benitez")),
        ("Juan Carlos Benitez", "Juan Carlos", "Ruiz Mora", ("Juan Carlos", "Benitez")),
        ("Maria de la Cruz", "Ana", "de la Cruz", ("Maria", "de la Cruz")),
        ("Luz Peña", "Esperanza", "Benitez", ("Luz", "Peña")),
        ("Luz Dary Peña Gil", "Ana", "Benitez Ruiz", ("Luz Dary", "Peña Gil")),
        ("Luz Peña", "Ferretería El Tornillo", "", ("Luz Peña", "")),
        ("Luz", "Ana", "Benitez Ruiz", ("Luz", "")),
        ("Luz Peña", "", "", ("Luz Peña", "")),
    ],
)
def test_a_name_is_split_as_the_record_has_it(name, first, last, expected):
    assert split_name(name, first, last) == expected


@given(name=WORDS.filter(bool), first=WORDS, last=WORDS)
def test_both_halves_make_the_name_again_and_the_first_is_never_empty(name, first, last):
    halves = split_name(name, first, last)
    assert " ".join(halves).strip() == name
    assert halves[0]
