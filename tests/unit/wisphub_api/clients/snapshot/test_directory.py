"""Lookups in the snapshot."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from wisphub_api.cache.representation import Representation, page_of
from wisphub_api.clients.search_index.index import MOST_REVISED
from wisphub_api.clients.snapshot.builder import SnapshotBuilder
from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.clients.snapshot.records import NO_RECORDS, ClientRow, Records
from wisphub_api.clients.upstream import ClientWire, to_client_row

NUMBERS = st.lists(st.sampled_from(["3001234567", "3100000001", "1", "12"]), max_size=2).map(" / ".join)
RECORDS = st.fixed_dictionaries(
    {
        "nombre": st.sampled_from(["", "Ana", "Luz Peña", "Ana Luz"]),
        "cedula": st.sampled_from(["", "1", "12", "1.2", "X-1"]),
        "telefono": NUMBERS,
    }
)
CHANGES = st.lists(st.tuples(st.integers(0, 6), st.none() | RECORDS), max_size=5)
PROBES = ["ana", "luz", "1", "12", "x1", "3001234567", "3100000001", "peña"]


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


def said(answer: Representation) -> tuple[bytes, str, int | None]:
    return answer.body, answer.etag, answer.total


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


@pytest.mark.parametrize("changed", [(), (1,), (150, 600)])
@pytest.mark.parametrize("limit", [None, 1, 255, 256, 257, 600, 601])
@pytest.mark.parametrize("offset", [0, 1, 300, 599, 600])
def test_however_many_hits_are_given_they_are_those_clients(make_row, limit, offset, changed):
    """Many are cut out together, few one by one, and who has changed comes from elsewhere."""
    directory = Directory(
        [make_row(number, nombre=f"Luz {'a' * (1 + number % 90)}") for number in range(1, 601)]
    )
    for number in changed:
        client = directory.by_service_id(number)
        assert client
        directory = directory.replaced(replace(client, name="Luz Nueva"))
    found = directory.search("luz", limit, offset)
    expected = page_of([directory.by_service_id(number) for number in range(1, 601)], limit, offset)
    assert (found.body, found.total) == (msgspec.json.encode(expected), 600)


def test_candidates_hold_the_name_or_the_address(directory):
    assert [client.service_id for client in directory.candidates("BENITEZ", None)] == [7]
    assert [client.service_id for client in directory.candidates(None, "barrio BELLAVISTA")] == [8]
    assert [client.service_id for client in directory.candidates("benitez", "bellavista")] == [7, 8]
    assert list(directory.candidates("", "barrio")) == []


def rows(records: list[dict[str, str]]) -> list[ClientRow]:
    return rows_of(dict(enumerate(records)))


def rows_of(records: dict[int, dict[str, str]]) -> list[ClientRow]:
    given: list[dict[str, Any]] = [{"id_servicio": i, **record} for i, record in records.items()]
    return [to_client_row(ClientWire(**fields)) for fields in given]


@given(records=st.lists(RECORDS, min_size=1, max_size=6), data=st.data())
def test_after_replacing_clients_all_is_as_if_built_anew(records, data):
    directory = Directory(rows(records))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(records) - 1))
        records[at] = data.draw(RECORDS)
        directory = directory.replaced(rows(records)[at].client)
    anew = Directory(rows(records))
    assert said(directory.page(None, 0)) == said(anew.page(None, 0))
    assert [directory.by_service_id(i) for i in range(7)] == [anew.by_service_id(i) for i in range(7)]
    for probe in PROBES:
        assert directory.by_document(probe) == anew.by_document(probe)
        assert directory.by_phone(probe) == anew.by_phone(probe)
        assert said(directory.search(probe, None, 0)) == said(anew.search(probe, None, 0))
        assert list(directory.candidates(probe, None)) == list(anew.candidates(probe, None))


def built(new: list[ClientRow], known: Records = NO_RECORDS) -> Records:
    builder = SnapshotBuilder(known)
    builder.extend(new)
    return builder.build()


def answers(directory: Directory) -> list[Any]:
    looked_up = [
        [directory.by_service_id(i), directory.by_document(p), directory.by_phone(p)]
        for i, p in enumerate(PROBES)
    ]
    found = [[said(directory.search(probe, None, 0)), *directory.candidates(probe, None)] for probe in PROBES]
    return [said(directory.representation), directory.rows(), looked_up, found]


@given(
    records=st.lists(RECORDS, min_size=1, max_size=6),
    changed=CHANGES,
    refreshes=st.lists(CHANGES, max_size=3),
)
def test_after_refreshes_and_changes_all_is_as_if_built_anew(records, changed, refreshes):
    current: dict[int, dict[str, str]] = dict(enumerate(records))
    directory = Directory(rows_of(current))
    for service_id, record in changed:
        if service_id in current and record is not None:
            directory = directory.replaced(rows_of({service_id: record})[0].client)
    for changes in refreshes:
        current = {at: record for at, record in (current | dict(changes)).items() if record is not None}
        directory = directory.refreshed(built(rows_of(current), directory.known))
        assert answers(directory) == answers(Directory(rows_of(current)))


def test_where_a_refresh_brings_nothing_new_the_snapshot_stays(make_row):
    new = [make_row(1, nombre="Ana"), make_row(2)]
    directory = Directory(new)
    assert directory.refreshed(built(new, directory.known)) is directory
    changed = directory.replaced(make_row(1, nombre="Luz").client)
    assert changed.refreshed(built(new, changed.known)).by_service_id(1) == new[0].client


def test_what_is_searched_by_is_taken_over_until_too_much_has_changed(make_row):
    names = ["Ana"] * 200
    directory = Directory(make_row(number, nombre=name) for number, name in enumerate(names))
    indexes = directory._indexes
    for changed in (MOST_REVISED, MOST_REVISED + 1):
        names[:changed] = ["Luz"] * changed
        new = [make_row(number, nombre=name) for number, name in enumerate(names)]
        refreshed = directory.refreshed(built(new, directory.known))
        assert refreshed.search("luz", None, 0).total == changed
        is_taken_over = refreshed._indexes.search.changed > 0
        assert is_taken_over == (changed <= MOST_REVISED)
    moved = [make_row(number, nombre="Ana", saldo=number) for number in range(200)]
    assert directory.refreshed(built(moved, directory.known))._indexes is indexes


def test_with_many_changes_in_memory_a_refresh_indexes_anew_though_it_brings_just_these(make_row):
    directory = Directory(make_row(number, nombre="Ana") for number in range(100))
    new = [make_row(number, nombre="Luz") for number in range(100)]
    known = directory.known
    for row in new:
        directory = directory.replaced(row.client)
    refreshed = directory.refreshed(built(new, known))
    assert (refreshed._indexes.search.changed, refreshed.search("luz", None, 0).total) == (0, 100)


def test_a_search_finds_who_was_replaced_as_they_are_now(directory, make_row):
    replaced = directory.replaced(make_row(9, nombre="Otra").client)
    assert (replaced.search("pena", None, 0).total, replaced.search("otra", None, 0).total) == (0, 1)
    assert directory.search("pena", None, 0).total == 1


def test_a_snapshot_stays_as_it_is_when_a_client_is_replaced_in_another(directory):
    before = directory.page(None, 0)
    changed = directory.replaced(msgspec.structs.replace(directory.by_service_id(7), name="Otra"))
    assert directory.page(None, 0) is before
    assert changed.page(None, 0).etag != before.etag
    assert (directory.by_service_id(7).name, changed.by_service_id(7).name) == ("Esperanza Benitez", "Otra")


def test_who_is_not_there_cannot_be_replaced(directory, make_row):
    assert directory.replaced(make_row(4).client) is directory


def test_replacing_keeps_the_plans(make_row):
    directory = Directory([msgspec.structs.replace(make_row(1), plan_id=5)])
    assert directory.replaced(make_row(1).client).plan_id(make_row(1).client) == 5


def test_a_phone_that_is_given_up_goes_to_the_lowest_of_those_who_have_it_by_now(make_row):
    directory = Directory([make_row(1, telefono="3100000001"), *map(make_row, (2, 3))])
    for number in (3, 2):
        directory = directory.replaced(make_row(number, telefono="310 000 0001").client)
    assert directory.by_phone("3100000001") == directory.by_service_id(1)
    assert directory.replaced(make_row(1).client).by_phone("3100000001") == directory.by_service_id(2)
