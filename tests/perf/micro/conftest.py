"""Clients of the simulator's, as many as a benchmark asks for; each number of them is made once."""

import random
from collections.abc import Callable, Iterator
from functools import cache
from itertools import cycle
from typing import Any

import msgspec
import pytest

from wisphub_api.clients.models import Client
from wisphub_api.clients.snapshot.builder import SnapshotBuilder
from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.clients.snapshot.records import ClientRow, Records
from wisphub_api.clients.upstream import ClientWire, to_client_row
from wisphub_api.upstream.wire import Page, PageReader
from wisphub_sim.data.records import client_record

PAGE = 300
SAMPLE = 1000
SIZES = (2_000, 50_000, pytest.param(500_000, marks=pytest.mark.large))


@cache
def records_of(size: int) -> Records:
    builder = SnapshotBuilder()
    for begin in range(1, size + 1, PAGE):
        builder.extend(page_rows(begin, min(begin + PAGE, size + 1)))
    return builder.build()


@cache
def directory_of(size: int) -> Directory:
    return Directory(records_of(size))


def page_body(begin: int, end: int) -> bytes:
    records = [client_record(1, service_id) for service_id in range(begin, end)]
    return msgspec.json.encode({"count": end - begin, "results": records})


def page_rows(begin: int, end: int) -> list[ClientRow]:
    page: Page[ClientRow] = PageReader(ClientWire, to_client_row)(page_body(begin, end))
    return [row for row in page.rows if row is not None]


@pytest.fixture
def page() -> bytes:
    """Give a page as WispHub Net sends it."""
    return page_body(1, 1 + PAGE)


@pytest.fixture
def rows() -> list[ClientRow]:
    """Give a page's rows."""
    return page_rows(1, 1 + PAGE)


@pytest.fixture(params=SIZES, ids="{:,} clients".format)
def size(request: pytest.FixtureRequest) -> int:
    """How many clients there are."""
    number: int = request.param
    return number


@pytest.fixture
def rounds(size: int) -> int:
    """How often what takes long is measured: few clients, which take little time, more often."""
    return max(3, 40_000 // size)


@pytest.fixture
def records(size: int) -> Records:
    return records_of(size)


@pytest.fixture
def directory(size: int) -> Directory:
    return directory_of(size)


@pytest.fixture
def some_clients(directory: Directory) -> list[Client]:
    """Give the same number of clients whatever the size: from all over the list, in no order."""
    draw = random.Random(1)  # noqa: S311  # the same in every run
    numbers = draw.sample(range(1, len(directory) + 1), SAMPLE)
    found = map(directory.by_service_id, numbers)
    return [client for client in found if client is not None and client.name and client.document]


@pytest.fixture
def in_turn() -> Callable[[list[Any]], Callable[[], Any]]:
    """Make what gives one after the other, again and again."""

    def turns(items: list[Any]) -> Callable[[], Any]:
        endless: Iterator[Any] = cycle(items)
        return lambda: next(endless)

    return turns
