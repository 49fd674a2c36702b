"""Clients become records as they come."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.clients.snapshot.builder import SnapshotBuilder
from wisphub_api.clients.snapshot.records import NO_RECORDS, ClientRow, Records
from wisphub_api.clients.upstream import ClientWire, Ref, to_client_row

ROWS = st.lists(st.tuples(st.integers(1, 9), st.sampled_from(["Ana", "Luz"]), st.sampled_from([None, 0, 5])))


def row(service_id: int, name: str, plan_id: int | None = None) -> ClientRow:
    return to_client_row(ClientWire(service_id, nombre=name, plan_internet=Ref(plan_id)))


def built(rows: list[ClientRow], known: Records = NO_RECORDS) -> Records:
    builder = SnapshotBuilder(known)
    for begin in range(0, len(rows), 3):
        builder.extend(rows[begin : begin + 3])
    assert len(builder) == len(rows)
    return builder.build()


def content(records: Records) -> tuple[bytes, list[Any], list[Any]]:
    positions = range(len(records))
    return records.body, [*records.clients()], [records.plan_id(at) for at in positions]


@given(before=ROWS, after=ROWS)
def test_what_was_known_before_makes_no_difference(before, after):
    known = built([row(*values) for values in before])
    last = {values[0]: row(*values) for values in after}
    expected = [last[service_id] for service_id in sorted(last)]
    clients = [given.client for given in expected]
    assert content(built([row(*values) for values in after], known)) == (
        msgspec.json.encode(clients),
        clients,
        [given.plan_id for given in expected],
    )


def test_where_nothing_is_new_the_known_records_are_given():
    rows = [row(1, "Ana", 5), row(2, "Luz")]
    known = built(rows)
    assert built(rows, known) is known
    for changed in ([row(1, "Ana", 5)], [row(1, "Ana", 6), rows[1]], [row(1, "Eva", 5), rows[1]]):
        assert built(changed, known) is not known


def test_of_what_is_known_no_copy_is_made_until_something_is_new():
    rows = [row(number, "Ana") for number in range(100)]
    builder = SnapshotBuilder(built(rows))
    builder.extend(rows)
    assert builder.new_bytes == len("[")


def test_nobody_is_an_empty_list():
    assert content(built([])) == (b"[]", [], [])
