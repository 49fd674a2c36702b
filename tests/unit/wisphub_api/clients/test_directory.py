"""Lookups in the snapshot."""

import json

import pytest

from wisphub_api.clients.directory import Directory


@pytest.fixture
def directory(make_row) -> Directory:
    return Directory(
        [
            make_row(
                9, nombre="Luz Peña", cedula="52.111.222", telefono="+57 310 000 0001", plan_internet=None
            ),
            make_row(7, nombre="Esperanza Benitez", cedula="1020", telefono="3001234567 / 3100000001"),
            make_row(8, nombre="Sin Datos", direccion="Vereda Bellavista"),
        ]
    )


def ids(body: bytes) -> list[int]:
    return [client["service_id"] for client in json.loads(body)]


def test_clients_are_in_order_of_their_service_id(directory):
    assert ids(directory.page(None, 0).body) == [7, 8, 9]


@pytest.mark.parametrize(
    ("limit", "offset", "expected"), [(2, 0, [7, 8]), (2, 2, [9]), (None, 1, [8, 9]), (5, 9, [])]
)
def test_a_page_is_cut_out_and_the_total_told(directory, limit, offset, expected):
    page = directory.page(limit, offset)
    assert (ids(page.body), page.total) == (expected, 3)


def test_the_whole_list_is_encoded_once(directory):
    assert directory.page(None, 0) is directory.page(None, 0)


@pytest.mark.parametrize("document", ["52111222", "52.111.222", " 52-111-222 "])
def test_a_document_is_looked_up_by_letters_and_digits(directory, document):
    assert directory.by_document(document).service_id == 9


@pytest.mark.parametrize("phone", ["3001234567", "+57 300 123 4567", "573001234567"])
def test_a_phone_is_looked_up_by_digits_with_or_without_the_country(directory, phone):
    assert directory.by_phone(phone).service_id == 7


def test_a_shared_phone_gives_the_lowest_service_id(directory):
    assert directory.by_phone("3100000001").service_id == 7


@pytest.mark.parametrize("nothing", ["", "-", "999"])
def test_blank_and_unknown_keys_find_nobody(directory, nothing):
    assert directory.by_document(nothing) is None
    assert directory.by_phone(nothing) is None


def test_equal_contents_have_equal_tags_and_others_other(directory, make_row):
    one = [make_row(1, nombre="Ana"), make_row(2)]
    assert Directory(one).representation.etag == Directory(one[::-1]).representation.etag
    assert Directory(one).representation.etag != directory.representation.etag


def test_a_search_can_be_paged(directory):
    page = directory.search("31", limit=1, offset=1)
    assert (ids(page.body), page.total) == ([9], 2)


def test_candidates_hold_the_name_or_the_address(directory):
    assert [client.service_id for client in directory.candidates("BENITEZ", None)] == [7]
    assert [client.service_id for client in directory.candidates(None, "barrio BELLAVISTA")] == [8]
    assert [client.service_id for client in directory.candidates("benitez", "bellavista")] == [7, 8]
    assert list(directory.candidates("", "barrio")) == []
