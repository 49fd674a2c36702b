"""Search, beside a slow and obvious one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.clients.models import Client
from wisphub_api.clients.search import SearchIndex
from wisphub_api.clients.text import fold
from wisphub_api.upstream.wire import ClientWire, to_client_row

WORDS = st.lists(st.sampled_from(["Ana", "José", "Peña", "12", "ben", "#"]), min_size=1, max_size=3).map(
    " ".join
)


def clients(*fields: dict[str, Any]) -> list[Client]:
    return [to_client_row(ClientWire(id_servicio=i, **given)).client for i, given in enumerate(fields)]


def search(query: str, *fields: dict[str, str]) -> list[int]:
    return SearchIndex(clients(*fields)).search(query)


@pytest.mark.parametrize("query", ["esperanza", "ESPERANZA BENÍTEZ", "benitez  esperanza", "ranza ben"])
def test_case_accents_spaces_and_word_order_do_not_count(query):
    assert search(query, {"nombre": "Juan"}, {"nombre": "Esperanza Benitez"}) == [1]


@pytest.mark.parametrize(
    "query", ["300 123 4567", "+57 300 123 4567", "3001234567", "300-1234567", "3107654321"]
)
def test_a_phone_is_found_however_it_is_written(query):
    assert search(query, {"telefono": "+57 300-123-4567 / 3107654321"}, {"telefono": "3009999999"}) == [0]


def test_a_document_is_found_with_or_without_its_dots():
    assert search("900.123.456-7", {"cedula": "9001234567"}) == [0]
    assert search("9001234567", {"cedula": "900.123.456-7"}) == [0]


def test_exact_matches_come_first_then_prefixes_then_the_others_each_in_order():
    names = ["Maria Ana", "Ana Maria", "Ana", "Mariana", "Ana", "Ana Sofia"]
    assert search("ana", *({"nombre": name} for name in names)) == [2, 4, 1, 5, 0, 3]


def test_words_of_different_fields_do_not_add_up():
    assert search("ana centro", {"nombre": "Ana", "direccion": "Centro"}) == []


def test_a_match_never_spans_two_clients_or_two_fields():
    assert search("na cen", {"nombre": "Ana", "direccion": "Centro"}, {"nombre": "Centro"}) == []


def test_a_query_of_control_characters_finds_nothing_it_should_not():
    assert search("a\x1fb", {"nombre": "a", "direccion": "b"}) == []


def test_nobody_is_found_among_no_clients():
    assert search("ana") == []


@given(
    records=st.lists(st.fixed_dictionaries({"nombre": WORDS, "direccion": WORDS}), max_size=8), query=WORDS
)
def test_it_finds_what_an_obvious_search_finds(records, query):
    words = fold(query).split()
    expected = {
        position
        for position, record in enumerate(records)
        if any(all(word in fold(text) for word in words) for text in record.values())
    }
    assert set(search(query, *records)) == expected
