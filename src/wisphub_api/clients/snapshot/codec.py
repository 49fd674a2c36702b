"""The codec of a snapshot for other processes and the next start: its columns, compressed."""

from __future__ import annotations

from array import array

import zstandard
from msgspec import Struct

from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.clients.snapshot.records import Columns, Records

_FASTEST = 1


class PackedClients(Struct, frozen=True, array_like=True):
    """The columns of `Records`, each compressed with zstandard."""

    body: bytes
    lengths: bytes
    service_ids: bytes
    plan_ids: bytes


def pack(directory: Directory) -> PackedClients:
    """Return a directory encoded; call it off the event loop."""
    columns = directory.records().columns
    squeeze = zstandard.ZstdCompressor(level=_FASTEST).compress
    return PackedClients(
        squeeze(columns.body),
        squeeze(columns.lengths.tobytes()),
        squeeze(columns.service_ids.tobytes()),
        squeeze(columns.plan_ids.tobytes()),
    )


def unpack(packed: PackedClients, previous: Directory | None) -> Directory:
    """Return the decoded directory, which shares unchanged parts with the previous one, or is that one.

    It takes a while: call it off the event loop.
    """
    expand = zstandard.ZstdDecompressor().decompress
    columns = Columns(
        expand(packed.body),
        array("I", expand(packed.lengths)),
        array("q", expand(packed.service_ids)),
        array("q", expand(packed.plan_ids)),
    )
    if previous is None:
        return Directory(Records(columns))
    is_known = previous.known.columns == columns
    return previous.refreshed(previous.known if is_known else Records(columns))
