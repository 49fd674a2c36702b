"""Loading the directory."""

import threading
from typing import Any

import pytest

from wisphub_api.cache.slot import Reading
from wisphub_api.clients.directory import Directory
from wisphub_api.clients.gathering import Gathering
from wisphub_api.clients.records import Records
from wisphub_api.clients.service import ClientService, load_directory
from wisphub_api.exceptions import CrawlIncomplete


class Watched(Gathering):
    """Remembers which thread builds."""

    def build(self) -> Records:
        self.thread = threading.current_thread()
        return super().build()


async def test_the_directory_is_built_off_the_event_loop(make_row):
    rows = Watched()
    rows.extend([make_row(1)])

    class Net:
        async def clients(self, _: Records) -> Gathering:
            return rows

    net: Any = Net()
    assert len(await load_directory(net, None)) == 1
    assert rows.thread is not threading.main_thread()


class EmptyNet:
    """Says that there are no clients."""

    async def clients(self, _: Records) -> Gathering:
        return Gathering()


async def test_a_provider_may_begin_without_clients():
    net: Any = EmptyNet()
    assert len(await load_directory(net, None)) == 0


async def test_clients_do_not_all_vanish_at_once(make_row):
    net: Any = EmptyNet()
    with pytest.raises(CrawlIncomplete, match="empty all of a sudden"):
        await load_directory(net, Directory([make_row(1)]))


async def test_after_a_change_the_whole_list_is_made_anew_off_the_event_loop_and_once(make_row, monkeypatch):
    directory = Directory([make_row(1), make_row(2)]).replaced(make_row(2, nombre="Ana").client)
    threads = []

    def replaced(records: Records, clients: Any) -> Records:
        threads.append(threading.current_thread())
        return records_replaced(records, clients)

    records_replaced = Records.replaced
    monkeypatch.setattr(Records, "replaced", replaced)

    class Known:
        async def read(self, _: object) -> Reading[Directory]:
            return Reading(directory, 0.0, 1.0)

    known: Any = Known()
    answers = [await ClientService(known).page(None, 0) for _ in range(2)]
    assert answers[0].value is answers[1].value
    assert b'"Ana"' in answers[0].value.body
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
