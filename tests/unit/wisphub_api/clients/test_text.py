"""Text made comparable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.clients.text import document_key, fold, fold_place, phone_key, phone_keys


@pytest.mark.parametrize("text", ["  José  MUÑOZ ", "jose munoz", "JOSÉ\tMUÑOZ", "José Muñoz"])
def test_case_accents_and_spaces_do_not_count(text):
    assert fold(text) == "jose munoz"


@given(st.text())
def test_folding_twice_changes_nothing_more(text):
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    "text",
    ["V/ La Palma", "v/la palma", "VDA/ La Palma", "Vereda La  Palma", "Barrio La Palma", "b/La Palma"],
)
def test_a_leading_kind_of_place_is_dropped(text):
    assert fold_place(text) == "la palma"


@pytest.mark.parametrize("text", ["veredas del sur", "barrios unidos", "la vereda", "vda la palma"])
def test_what_only_looks_like_a_kind_of_place_stays(text):
    assert fold_place(text) == text


@pytest.mark.parametrize("text", ["barrio", " Vereda ", "v/", "B/ "])
def test_a_kind_of_place_alone_is_empty(text):
    assert fold_place(text) == ""


def test_a_document_is_its_letters_and_digits():
    assert document_key(" 900.123.456-7 ") == "9001234567"
    assert document_key("pep-12 34") == document_key("PEP1234")


@pytest.mark.parametrize("text", ["3001234567", "+57 300 123 4567", "573001234567", "(300) 123-4567"])
def test_a_phone_is_its_digits_without_the_country(text):
    assert phone_key(text) == "3001234567"


def test_a_phone_that_begins_with_57_keeps_it():
    assert phone_key("5712345") == "5712345"


def test_a_field_may_hold_several_phones():
    assert phone_keys("300 123 4567 / +57 310 765 4321, y 6012345678") == [
        "3001234567",
        "3107654321",
        "6012345678",
    ]


@pytest.mark.parametrize("text", ["3059391747-3067046068", "3059391747 - +573067046068"])
def test_two_phones_may_be_joined_by_a_dash(text):
    assert phone_keys(text) == ["3059391747", "3067046068"]


def test_a_field_without_digits_holds_no_phone():
    assert phone_keys("no tiene") == []
