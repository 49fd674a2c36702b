"""All clients in one piece of memory."""

import msgspec
import numpy as np
import pytest

from wisphub_api.clients.snapshot.builder import SnapshotBuilder
from wisphub_api.clients.snapshot.records import NO_RECORDS, Records


@pytest.fixture
def records(make_row) -> Records:
    builder = SnapshotBuilder()
    builder.extend([make_row(3, nombre="Peña"), make_row(5), make_row(9, nombre='"q"')])
    return builder.build()


def test_a_client_is_cut_out_as_it_would_be_encoded(records):
    for at in range(3):
        assert records.json(at) == msgspec.json.encode(records.client(at))
    assert records.jsons([2, 0]) == [records.json(2), records.json(0)]


@pytest.mark.parametrize("times", [0, 1, 1000])
def test_an_array_of_few_or_many_clients_is_given_in_the_order_asked_for(records, times):
    positions = [2, 0] * times
    expected = msgspec.json.encode([records.client(at) for at in positions])
    assert records.as_array(np.array(positions, np.int64)) == expected


def test_a_client_is_found_by_its_id_and_nobody_by_another(records):
    assert [records.position(number) for number in (3, 5, 9)] == [0, 1, 2]
    assert [records.position(number) for number in (0, 4, 10, -(2**70), 2**70)] == [None] * 5
    assert NO_RECORDS.position(1) is None


@pytest.mark.parametrize("changed", [[0], [1], [2], [0, 2], [0, 1, 2]])
def test_clients_are_replaced_in_new_records(records, changed):
    before = records.body
    others = {at: msgspec.structs.replace(records.client(at), name="Otra, [más] larga") for at in changed}
    after = records.replaced(others)
    expected = [others.get(at, records.client(at)) for at in range(3)]
    assert ([*after.clients()], after.body) == (expected, msgspec.json.encode(expected))
    assert records.body is before


def test_records_are_of_the_same_clients_whatever_is_said_of_them(records):
    assert records.are_of_the_same(records.replaced({1: records.client(1)}))
    assert not records.are_of_the_same(NO_RECORDS)
