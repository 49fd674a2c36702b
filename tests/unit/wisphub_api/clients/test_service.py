"""Loading the directory."""

import asyncio
import threading
from typing import Any

import pytest

from wisphub_api.cache.answers import Answers, Question
from wisphub_api.cache.slot import Reading
from wisphub_api.clients.search_index.index import SearchIndex
from wisphub_api.clients.service import SEARCH, ClientService, load_directory, search_in_memory
from wisphub_api.clients.snapshot.builder import SnapshotBuilder
from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.clients.snapshot.records import Records
from wisphub_api.exceptions import CrawlIncomplete


class Watched(SnapshotBuilder):
    """Remembers which thread builds."""

    def build(self) -> Records:
        self.thread = threading.current_thread()
        return super().build()


async def test_the_directory_is_built_off_the_event_loop(make_row):
    rows = Watched()
    rows.extend([make_row(1)])

    class Net:
        async def crawl_into(self, *_: Any) -> SnapshotBuilder:
            return rows

    net: Any = Net()
    assert len(await load_directory(net, None)) == 1
    assert rows.thread is not threading.main_thread()


def service_of(directory: Directory, answers: Answers | None = None) -> ClientService:
    class Known:
        async def read(self, _: object) -> Reading[Directory]:
            return Reading(directory, 0.0, 1.0, version=1)

    known: Any = Known()
    return ClientService(known, Answers() if answers is None else answers)


class EmptyNet:
    """Says that there are no clients."""

    async def crawl_into(self, *_: Any) -> SnapshotBuilder:
        return SnapshotBuilder()


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

    answers = [await service_of(directory).page(None, 0) for _ in range(2)]
    assert answers[0].value is answers[1].value
    assert b'"Ana"' in answers[0].value.body
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


@pytest.fixture
def searches(monkeypatch) -> list[threading.Thread]:
    """In which threads is searched."""
    threads: list[threading.Thread] = []
    hits_of = SearchIndex._ranked

    def watched(index: SearchIndex, sought: Any) -> Any:
        threads.append(threading.current_thread())
        return hits_of(index, sought)

    monkeypatch.setattr(SearchIndex, "_ranked", watched)
    return threads


@pytest.fixture
def broad(make_row, monkeypatch) -> Directory:
    """A directory in which more than a few hits are many."""
    monkeypatch.setattr("wisphub_api.clients.snapshot.directory._MANY", 3)
    names = ["Luz Ana", "Luz Peña", "Luz", "Luz Luz", "Ana"]
    return Directory([make_row(number, nombre=name) for number, name in enumerate(names, 1)])


async def test_what_finds_many_is_searched_off_the_event_loop_and_once(broad, searches):
    service = service_of(broad)
    first, second = await asyncio.gather(service.search("luz", None, 0), service.search("luz", None, 0))
    assert first.value is second.value
    assert first.value.total == 4
    (thread,) = searches
    assert thread is not threading.main_thread()
    assert (await service.search("luz", None, 0)).value is first.value


async def test_what_finds_few_is_searched_at_once(broad, searches):
    assert (await service_of(broad).search("ana", None, 0)).value.total == 2
    assert (await service_of(broad).search("pena luz", None, 0)).value.total == 1
    assert set(searches) == {threading.main_thread()}


async def test_answers_too_large_to_be_kept_are_given_all_the_same(broad, searches):
    service = service_of(broad, Answers(10))
    answers = [(await service.search("luz", None, 0)).value for _ in range(2)]
    assert answers[0].body == answers[1].body
    assert [thread is threading.main_thread() for thread in searches] == [False, False]


async def test_the_fast_path_finds_what_is_found_broadly_once_the_router_has_found_it(broad):
    answers, asked = Answers(), Question(SEARCH, "luz")
    assert search_in_memory(broad, asked) is None
    assert search_in_memory(broad, Question(SEARCH, "ana"))
    found = (await service_of(broad, answers).search("luz", None, 0)).value
    assert answers.get(asked, 1) is found
