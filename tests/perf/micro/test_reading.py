"""What a page of a crawl costs: decoding it, and keeping what it says."""

import pytest

from wisphub_api.clients.snapshot.builder import SnapshotBuilder
from wisphub_api.clients.upstream import ClientWire, to_client_row
from wisphub_api.upstream.wire import PageReader

pytestmark = pytest.mark.bench
GROUP = "1 a page of 300"


def test_decode(benchmark, page):
    benchmark.group = GROUP
    assert len(benchmark(PageReader(ClientWire, to_client_row), page).rows) == 300


@pytest.mark.parametrize("is_known", [False, True], ids=["new", "known"])
def test_keep(benchmark, rows, is_known):
    benchmark.group = GROUP
    before = SnapshotBuilder()
    before.extend(rows)
    known = before.build()

    def keep() -> SnapshotBuilder:
        builder = SnapshotBuilder(known) if is_known else SnapshotBuilder()
        builder.extend(rows)
        return builder

    assert len(benchmark(keep)) == 300
