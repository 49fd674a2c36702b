"""Search, beside a slow and obvious one."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.clients.models import Client
from wisphub_api.clients.search_index.index import SearchIndex, SearchIndexBuilder
from wisphub_api.clients.text import document_key, fold, phone_key, phone_keys
from wisphub_api.clients.upstream import ClientWire, to_client_row


def clients(*fields: dict[str, Any]) -> list[Client]:
    return [to_client_row(ClientWire(id_servicio=i, **given)).client for i, given in enumerate(fields)]


def index(records: list[Client]) -> SearchIndex:
    builder = SearchIndexBuilder()
    for client in records:
        builder.add(client)
    return SearchIndex(builder)


def search(query: str, *fields: dict[str, str]) -> list[int]:
    found: list[int] = index(clients(*fields)).search(query).tolist()
    return found


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


WORDS = [
    "Ana",
    "ana",
    "José",
    "Peña",
    "BEN",
    "benitez",
    "12",
    "1",
    "#",
    "ﬃ",
    "ß",
    "\x1f",
    "ana ben",
    "1020304050",
]
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
NUMBERS = st.sampled_from(
    [
        "",
        "1020304050",
        "1.020.304.050",
        "+57 300 102 0304",
        "573001020304",
        "3001020304 / 3020304050",
        "PEP12",
        "12",
    ]
)
RECORDS = st.fixed_dictionaries(
    {"nombre": NAMES, "direccion": NAMES | st.text(max_size=6), "cedula": NUMBERS, "telefono": NUMBERS}
)
QUERIES = (
    NAMES
    | st.sampled_from(
        ["300 102", "1020", "02 03", "2030 1", "+57 300 102 0304", "a", "an be", "na ana", "ep12"]
    )
    | st.text(min_size=1, max_size=4)
)


def obvious_fields(client: Client) -> list[str]:
    folded = [fold(text) for text in (client.name, client.address, client.document, client.phone) if text]
    return [*folded, document_key(client.document or ""), *phone_keys(client.phone or "")]


def obvious_rank(needle: str, client: Client) -> int | None:
    """Look at every field: 0 is this text, 1 begins with it, 2 holds its words, None does not."""
    fitting = [field for field in obvious_fields(client) if all(word in field for word in needle.split())]
    return min((2 - field.startswith(needle) - (field == needle) for field in fitting), default=None)


def obvious_search(query: str, records: list[Client]) -> list[int]:
    digits = phone_key(query) if re.fullmatch(r"[\d\s+().-]+", query) else ""
    needles = [needle for needle in (fold(query), digits if len(digits) > 1 else "") if needle]
    ranks = {
        at: [rank for needle in needles if (rank := obvious_rank(needle, client)) is not None]
        for at, client in enumerate(records)
    }
    return [at for _, at in sorted((min(found), at) for at, found in ranks.items() if found)]


def assert_few_are_told_from_many(searched: SearchIndex, query: str, expected: list[int]) -> None:
    """No more are given than may be; and many may be, with every word of every field."""
    assert searched.search_few(query, len(expected) - 1) is None
    few = searched.search_few(query, 10_000)
    assert few is not None
    assert few.tolist() == expected


@given(records=st.lists(RECORDS, max_size=8), query=QUERIES)
def test_it_finds_what_an_obvious_search_finds_in_the_same_order(records, query):
    given_clients = clients(*records)
    searched, expected = index(given_clients), obvious_search(query, given_clients)
    assert searched.search(query).tolist() == expected
    assert_few_are_told_from_many(searched, query, expected)


@given(records=st.lists(RECORDS, min_size=1, max_size=6), data=st.data())
def test_with_clients_replaced_it_finds_what_an_obvious_search_finds(records, data):
    given_clients = clients(*records)
    searched = index(given_clients)
    for _ in range(3):
        at = data.draw(st.integers(0, len(records) - 1))
        given_clients[at] = clients(data.draw(RECORDS))[0]
        searched = searched.replaced(at, given_clients[at])
    query = data.draw(QUERIES)
    expected = obvious_search(query, given_clients)
    assert searched.search(query).tolist() == expected
    assert_few_are_told_from_many(searched, query, expected)
