"""What a snapshot costs: from records, from another process's copy, after one client has changed."""

import msgspec
import pytest

from wisphub_api.clients.snapshot.codec import PackedClients, pack, unpack
from wisphub_api.clients.snapshot.directory import Directory

pytestmark = pytest.mark.bench
GROUP = "2 a snapshot"


def test_build(benchmark, records, rounds):
    benchmark.group = GROUP
    assert len(benchmark.pedantic(Directory, (records,), rounds=rounds)) == len(records)


def test_refresh_with_one_change(benchmark, directory, records, rounds):
    benchmark.group = GROUP
    client = msgspec.structs.replace(records.client(5), name="Otra")
    changed = records.replaced({5: client})
    assert benchmark.pedantic(directory.refreshed, (changed,), rounds=rounds).by_service_id(6) == client


def test_replace_one_client(benchmark, directory):
    benchmark.group = GROUP
    client = msgspec.structs.replace(directory.by_service_id(7), name="Otra")
    assert benchmark(directory.replaced, client).by_service_id(7) == client


def test_pack(benchmark, directory, rounds):
    benchmark.group = "3 a copy for others"
    copy = benchmark.pedantic(lambda: msgspec.msgpack.encode(pack(directory)), rounds=rounds)
    benchmark.extra_info["bytes"] = len(copy)


def test_unpack(benchmark, directory, rounds):
    benchmark.group = "3 a copy for others"
    copy = msgspec.msgpack.encode(pack(directory))
    unpacked = benchmark.pedantic(
        lambda: unpack(msgspec.msgpack.decode(copy, type=PackedClients), None), rounds=rounds
    )
    assert unpacked.representation.etag == directory.representation.etag
