"""Loading the directory."""

import threading
from typing import Any

import pytest

from wisphub_api.clients.directory import Directory
from wisphub_api.clients.gathering import Gathering
from wisphub_api.clients.records import Records
from wisphub_api.clients.service import load_directory
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
