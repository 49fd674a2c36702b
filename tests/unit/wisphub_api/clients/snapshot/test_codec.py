"""Clients as other processes are given them."""

import msgspec
import pytest

from wisphub_api.clients.models import Client
from wisphub_api.clients.search_index.index import SearchIndexBuilder
from wisphub_api.clients.snapshot.codec import PackedClients, pack, unpack
from wisphub_api.clients.snapshot.directory import Directory


def test_what_is_unpacked_is_what_was_packed_with_all_changes(make_row):
    rows = [
        msgspec.structs.replace(make_row(number, nombre=f"Ana {number}"), plan_id=number)
        for number in (2, 5, 9)
    ]
    directory = Directory(rows).replaced(make_row(5, nombre="Luz").client)
    written = msgspec.msgpack.encode(pack(directory))
    again = unpack(msgspec.msgpack.decode(written, type=PackedClients), None)
    assert again.rows() == directory.rows()
    assert again.representation.etag == directory.representation.etag
    assert again.by_service_id(5) == directory.by_service_id(5)


@pytest.fixture
def directory(make_row) -> Directory:
    return Directory([make_row(number, nombre=f"Ana {number}") for number in range(500)])


@pytest.fixture
def indexed(monkeypatch) -> list[int]:
    """Count the clients that are indexed."""
    counted: list[int] = []
    add = SearchIndexBuilder.add

    def count(builder: SearchIndexBuilder, client: Client) -> None:
        counted.append(client.service_id)
        add(builder, client)

    monkeypatch.setattr(SearchIndexBuilder, "add", count)
    return counted


def test_where_nothing_has_changed_the_previous_directory_is_returned(directory, indexed):
    assert unpack(pack(directory), directory) is directory
    assert indexed == []


def test_of_a_list_with_a_few_changes_only_those_are_indexed(directory, make_row, indexed):
    changed = directory
    for number in (7, 8):
        changed = changed.replaced(make_row(number, nombre="Luz").client)
    followed = unpack(pack(changed), directory)
    assert indexed == []
    assert followed.representation.etag == changed.representation.etag
    assert followed.search("luz", None, 0).total == 2
    assert followed.search("ana", None, 0).total == 498


def test_of_another_list_all_is_indexed(directory, make_row, indexed):
    other = Directory([make_row(number, nombre="Luz") for number in range(300)])
    indexed.clear()
    assert unpack(pack(other), directory).search("luz", None, 0).total == 300
    assert len(indexed) == 300


def test_no_clients_can_be_packed():
    assert len(unpack(pack(Directory([])), None)) == 0


def test_a_copy_takes_a_fraction_of_the_list(make_row):
    directory = Directory([make_row(number, nombre="Ana Luz", direccion="Calle 1") for number in range(1000)])
    packed = pack(directory)
    assert sum(map(len, msgspec.structs.astuple(packed))) < len(directory.representation.body) / 5
