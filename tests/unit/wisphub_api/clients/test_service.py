"""Loading the directory."""

from typing import Any

import pytest

from wisphub_api.clients.directory import Directory
from wisphub_api.clients.service import load_directory
from wisphub_api.exceptions import CrawlIncomplete
from wisphub_api.upstream.paging import Crawl


class EmptyNet:
    """Says that there are no clients."""

    async def clients(self) -> Crawl[Any]:
        return Crawl([], set_aside=0)


async def test_a_provider_may_begin_without_clients():
    net: Any = EmptyNet()
    assert len(await load_directory(net, None)) == 0


async def test_clients_do_not_all_vanish_at_once(make_row):
    net: Any = EmptyNet()
    with pytest.raises(CrawlIncomplete, match="empty all of a sudden"):
        await load_directory(net, Directory([make_row(1)]))
