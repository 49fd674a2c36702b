"""Reading a list whole although it changes."""

import asyncio
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.exceptions import CrawlIncomplete, UpstreamTimeout
from wisphub_api.upstream.paging import AHEAD, OVERLAP, Tally, crawl
from wisphub_api.upstream.wire import Page

Rows = list[int | None]


class List:
    """A paged list whose rows a test may change before each request."""

    def __init__(self, rows: Rows, cap: int = 300, change: Callable[["List"], None] | None = None) -> None:
        self.rows = rows
        self.cap = cap
        self.change = change
        self.requests: list[tuple[int, int]] = []

    async def page(self, offset: int, limit: int) -> Page[int]:
        self.requests.append((offset, limit))
        if self.change:
            self.change(self)
        return Page(len(self.rows), tuple(self.rows[offset : offset + min(limit, self.cap)]))


async def read(source: List) -> list[int]:
    rows, _ = await crawl(list[int], source.page, key=int)
    return list(dict.fromkeys(rows))


@given(total=st.integers(0, 2000), cap=st.integers(1, 300))
async def test_any_list_is_read_whole_whatever_the_cap(total, cap):
    assert await read(List(list(range(total)), cap)) == list(range(total))


async def test_two_thousand_clients_take_seven_requests():
    source = List(list(range(2000)))
    await read(source)
    assert len(source.requests) == 7


async def test_a_row_inserted_while_paging_begins_the_crawl_anew():
    def insert_once(source: List) -> None:
        if len(source.requests) == 3:
            source.rows.insert(0, 9999)

    source = List(list(range(1000)), change=insert_once)
    assert sorted(await read(source)) == [*range(1000), 9999]


async def test_a_row_deleted_while_paging_begins_the_crawl_anew():
    def delete_once(source: List) -> None:
        if len(source.requests) == 3:
            del source.rows[0]

    assert await read(List(list(range(1000)), change=delete_once)) == list(range(1, 1000))


async def test_one_row_deleted_and_one_added_is_noticed_though_the_total_stays():
    def swap_once(source: List) -> None:
        if len(source.requests) == 3:
            del source.rows[0]
            source.rows.append(9999)

    assert await read(List(list(range(1000)), change=swap_once)) == [*range(1, 1000), 9999]


async def test_a_list_that_never_holds_still_is_never_published():
    source = List(list(range(1000)), change=lambda source: source.rows.insert(0, 5000 + len(source.requests)))
    with pytest.raises(CrawlIncomplete, match="meanwhile"):
        await read(source)


@pytest.mark.parametrize("missing", [1, 150, 999])
async def test_a_list_that_gives_fewer_rows_than_it_counts_is_never_published(missing):
    class Short(List):
        async def page(self, offset: int, limit: int) -> Page[int]:
            page = await super().page(offset, limit)
            return Page(page.count + missing, page.rows)

    with pytest.raises(CrawlIncomplete):
        await read(Short(list(range(1000))))


async def test_an_empty_page_of_a_list_that_is_not_empty_is_never_published():
    with pytest.raises(CrawlIncomplete, match="first page is empty"):
        await read(List(list(range(5)), cap=0))


async def test_a_row_that_the_upstream_itself_repeats_is_kept_once():
    assert await read(List([1, 2, 2, 3, 3, 4], cap=3)) == [1, 2, 3, 4]


async def test_rows_that_move_between_two_places_of_a_list_begin_the_crawl_anew():
    def swap_once(source: List) -> None:
        if len(source.requests) == 2:
            source.rows[5], source.rows[700] = source.rows[700], source.rows[5]

    assert sorted(await read(List(list(range(900)), change=swap_once))) == list(range(900))


async def test_a_bad_row_where_pages_meet_hides_no_shift():
    def swap_once(source: List) -> None:
        if len(source.requests) == 2:
            del source.rows[0]
            source.rows.append(9999)

    rows: Rows = [None if number == 299 else number for number in range(900)]
    expected = [number for number in range(1, 900) if number != 299]
    assert await read(List(rows, change=swap_once)) == [*expected, 9999]


async def test_bad_rows_where_pages_meet_cost_only_themselves():
    rows: Rows = [None if number in (297, 298, 299) else number for number in range(900)]
    assert len(await read(List(rows))) == 897


async def test_a_row_that_one_page_gives_bad_and_its_neighbour_good_is_kept():
    class Flaky(List):
        async def page(self, offset: int, limit: int) -> Page[int]:
            page = await super().page(offset, limit)
            return Page(page.count, (*page.rows[:-1], None)) if offset == 0 else page

    assert await read(Flaky(list(range(900)))) == list(range(900))


async def test_rows_set_aside_are_counted_and_cost_no_other_row():
    rows, tally = await crawl(list[int], List([1, None, 3, None, 5], cap=2).page, key=int)
    assert (rows, tally) == ([1, 3, 5], Tally(set_aside=2, repeats=0))


class Held(List):
    """A list whose second page comes when it is let go."""

    def __init__(self, rows: Rows, cap: int) -> None:
        super().__init__(rows, cap)
        self.is_let_go = asyncio.Event()

    async def page(self, offset: int, limit: int) -> Page[int]:
        page = await super().page(offset, limit)
        if offset == limit - OVERLAP:
            await self.is_let_go.wait()
        return page


async def test_no_more_pages_are_asked_for_than_a_few_ahead_of_the_one_that_is_next():
    source = Held(list(range(3000)), cap=13)
    reading = asyncio.create_task(read(source))
    for _ in range(1000):
        await asyncio.sleep(0)
    assert len(source.requests) == 1 + AHEAD
    source.is_let_go.set()
    assert await reading == list(range(3000))


async def test_rows_are_given_on_in_their_order_whichever_page_comes_first():
    given: list[list[int]] = []

    class Sink:
        def extend(self, rows: Iterable[int]) -> None:
            given[-1].extend(rows)

    def sink() -> Sink:
        given.append([])
        return Sink()

    source = Held(list(range(100)), cap=13)
    reading = asyncio.create_task(crawl(sink, source.page, key=int))
    for _ in range(100):
        await asyncio.sleep(0)
    assert given == [list(range(10))]
    source.is_let_go.set()
    await reading
    assert given == [list(range(100))]


async def test_each_crawl_begins_with_nothing():
    def delete_once(source: List) -> None:
        if len(source.requests) == 3:
            del source.rows[0]

    rows, tally = await crawl(list[int], List(list(range(1000)), change=delete_once).page, key=int)
    assert (rows, tally) == (list(range(1, 1000)), Tally(set_aside=0, repeats=0))


async def test_of_a_list_whose_rows_have_shifted_no_more_is_read():
    def delete_once(source: List) -> None:
        if len(source.requests) == 2:
            del source.rows[0]

    source = List(list(range(300 * AHEAD * 3)), change=delete_once)
    await read(source)
    offsets = [offset for offset, _ in source.requests]
    assert offsets[1:].index(0) <= AHEAD + 1


async def test_a_page_that_fails_fails_the_crawl_as_it_is():
    class Broken(List):
        async def page(self, offset: int, limit: int) -> Page[int]:
            if offset > 500:
                raise UpstreamTimeout("page 3")
            return await super().page(offset, limit)

    with pytest.raises(UpstreamTimeout, match="page 3"):
        await read(Broken(list(range(1000))))
