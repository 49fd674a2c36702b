"""Clients as other processes are given them."""

import msgspec

from wisphub_api.clients.snapshot.codec import PackedClients, pack, unpack
from wisphub_api.clients.snapshot.directory import Directory


def test_what_is_unpacked_is_what_was_packed_with_all_changes(make_row):
    rows = [
        msgspec.structs.replace(make_row(number, nombre=f"Ana {number}"), plan_id=number)
        for number in (2, 5, 9)
    ]
    directory = Directory(rows).replaced(make_row(5, nombre="Luz").client)
    written = msgspec.msgpack.encode(pack(directory))
    again = unpack(msgspec.msgpack.decode(written, type=PackedClients))
    assert again.rows() == directory.rows()
    assert again.representation.etag == directory.representation.etag
    assert again.by_service_id(5) == directory.by_service_id(5)


def test_no_clients_can_be_packed():
    assert len(unpack(pack(Directory([])))) == 0


def test_a_copy_takes_a_fraction_of_the_list(make_row):
    directory = Directory([make_row(number, nombre="Ana Luz", direccion="Calle 1") for number in range(1000)])
    packed = pack(directory)
    assert sum(map(len, msgspec.structs.astuple(packed))) < len(directory.representation.body) / 5
