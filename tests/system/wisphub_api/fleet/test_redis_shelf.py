"""Redis as the shelf of all processes: the newest copy, one turn, and each change heard once, in order."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from wisphub_api.fleet import redis_link, redis_shelf
from wisphub_api.fleet.redis_shelf import RedisShelf
from wisphub_api.fleet.shelf import Sealed

Open = Callable[[], Awaitable[RedisShelf]]


class Ears:
    """What was heard."""

    def __init__(self) -> None:
        self.changes: list[tuple[bytes, float]] = []
        self.looks = 0

    def hear(self, change: bytes | None, at: float) -> None:
        if change is None:
            self.looks += 1
        else:
            self.changes.append((change, at))


@pytest.fixture(autouse=True)
def faster(monkeypatch) -> None:
    monkeypatch.setattr(redis_link, "FIRST_TRY_S", 0.1)
    monkeypatch.setattr(redis_shelf, "LISTEN_S", 0.3)


@pytest.fixture
def open_shelf(connect) -> Open:
    """Open the shelf as one more process has it; it hears nothing before its context is entered."""

    async def one_more() -> RedisShelf:
        return RedisShelf(await connect(), "test", keep_s=1_000)

    return one_more


@pytest.fixture
async def shelf(link) -> RedisShelf:
    return RedisShelf(link, "test", keep_s=1_000)


@pytest.fixture
async def other(open_shelf) -> RedisShelf:
    opened: RedisShelf = await open_shelf()
    return opened


@pytest.fixture
async def ears(shelf) -> AsyncIterator[Ears]:
    """Listen to the shelf, which is open."""
    ears = Ears()
    shelf.listen("things", ears.hear)
    async with shelf:
        yield ears


async def test_a_slow_loader_cannot_put_an_older_copy_over_a_newer_one(shelf, other):
    assert await other.put("things", Sealed(2.0, b"newer"), "")
    assert await shelf.put("things", Sealed(1.0, b"older"), "") is None
    found = await shelf.newest("things", "")
    assert found is not None
    assert found.content == b"newer"


async def test_of_one_load_only_a_copy_that_was_seen_is_replaced(shelf, other):
    first = await shelf.put("things", Sealed(1.0, b"first"), "")
    second = await other.put("things", Sealed(1.0, b"second"), first)
    assert second
    assert await shelf.put("things", Sealed(1.0, b"third"), first) is None
    assert await shelf.put("things", Sealed(1.0, b"third"), second)
    assert await other.put("things", Sealed(2.0, b"of a later load"), "")


async def test_a_copy_of_the_future_is_not_believed(shelf):
    now = time.time()
    assert await shelf.put("things", Sealed(now + 3_600, b"future"), "")
    assert await shelf.put("things", Sealed(now, b"now"), "")
    assert await shelf.put("others", Sealed(now + 1.5, b"a clock that is ahead"), "")
    assert await shelf.put("others", Sealed(now, b"now"), "") is None


async def test_a_copy_is_forgotten_when_it_is_of_no_use(shelf, redis_server):
    await shelf.put("things", Sealed(1.0, b"content"), "")
    with redis_server.connected() as connection:
        assert 990_000 < connection.pttl("test:copy:things") <= 1_000_000


async def test_a_copy_that_is_put_is_told_to_others_and_not_to_oneself(shelf, other, ears, until):
    heard = Ears()
    other.listen("things", heard.hear)
    async with other:
        await until(lambda: ears.looks and heard.looks)
        ears.looks = heard.looks = 0
        await shelf.put("things", Sealed(1.0, b"content"), "")
        await other.catch_up()
        assert (ears.looks, heard.looks) == (0, 1)


async def test_one_process_at_a_time_has_the_turn(shelf, other):
    async with shelf.turn("things") as first, other.turn("things") as second, other.turn("others") as third:
        assert (first, second, third) == (True, False, True)
    async with other.turn("things") as later:
        assert later


async def test_a_turn_goes_on_while_its_process_does(shelf, redis_server, monkeypatch, until):
    monkeypatch.setattr(redis_shelf, "TURN_S", 4.0)
    with redis_server.connected() as connection:
        async with shelf.turn("things"):
            await until(lambda: connection.pttl("test:turn:things") < 3_500)
            await until(lambda: connection.pttl("test:turn:things") > 3_500)


async def test_a_turn_ends_soon_after_its_process_hangs(shelf, other, monkeypatch):
    monkeypatch.setattr(redis_shelf, "TURN_S", 0.3)
    async with shelf.turn("things"):
        time.sleep(0.4)  # noqa: ASYNC251  # this is how it hangs
        for _ in range(2):
            async with other.turn("things") as is_ours:
                assert is_ours


async def test_a_turn_that_was_lost_is_not_taken_from_its_new_holder(shelf, other, redis_server, monkeypatch):
    monkeypatch.setattr(redis_shelf, "TURN_S", 4.0)
    async with AsyncExitStack() as late:
        await late.enter_async_context(shelf.turn("things"))
        with redis_server.connected() as connection:
            connection.delete("test:turn:things")
        async with other.turn("things") as is_ours:
            assert is_ours
            await asyncio.sleep(1.2)  # who has lost it tries to keep it
            await late.aclose()
            async with shelf.turn("things") as again:
                assert not again


async def test_a_turn_ends_with_a_task_that_is_cancelled_however_impatiently(shelf, other):
    has_it = asyncio.Event()

    async def load() -> None:
        async with shelf.turn("things"):
            has_it.set()
            await asyncio.sleep(60)

    for _ in range(10):
        task = asyncio.create_task(load())
        await has_it.wait()
        has_it.clear()
        task.cancel()
        await asyncio.wait({task})
        async with other.turn("things") as is_ours:
            assert is_ours


async def test_a_turn_that_was_asked_for_when_its_task_was_cancelled_is_nobodys(shelf, other, redis_server):
    async def ask() -> None:
        async with shelf.turn("things"):
            await asyncio.sleep(60)

    redis_server.freeze()
    task = asyncio.create_task(ask())
    await asyncio.sleep(0.05)
    task.cancel()
    redis_server.thaw()
    await asyncio.wait({task})
    async with other.turn("things") as is_ours:
        assert is_ours


async def test_a_turn_of_whose_end_redis_did_not_hear_is_ended_when_it_does(
    shelf, other, link, lose, monkeypatch
):
    monkeypatch.setattr(redis_shelf, "TURN_S", 600.0)
    async with shelf, other:
        async with shelf.turn("things") as is_ours:
            assert is_ours
            await lose(link)
        async with asyncio.timeout(60):
            is_others = False
            while not is_others:
                await asyncio.sleep(0.05)
                async with other.turn("things") as is_others:
                    pass


async def test_turns_that_redis_has_dropped_by_itself_are_not_kept_to_be_ended(shelf, monkeypatch):
    monkeypatch.setattr(redis_shelf, "TURN_S", 0.0)
    shelf._link._why = "it cannot be reached"
    for _ in range(2_500):
        async with shelf.turn("things") as is_ours:
            assert is_ours
    assert list(shelf._ended) == []
    assert len(shelf._ended) < 2_000


async def test_alone_everyone_has_the_turn_and_nothing_can_be_put_or_told(shelf, redis_server, until):
    await shelf.put("things", Sealed(1.0, b"content"), "")
    redis_server.stop()
    assert await shelf.put("things", Sealed(2.0, b"content"), "") is None
    assert await shelf.newest("things", "") is None
    assert not await shelf.tell("things", b"change", 1.0)
    await shelf.catch_up()
    assert not shelf.is_reachable
    async with shelf.turn("things") as is_ours:
        assert is_ours
    redis_server.start()
    await until(lambda: shelf.is_reachable)


@pytest.mark.smoke
async def test_changes_are_heard_with_their_time_and_in_order_but_ones_own_are_not(shelf, other, ears, until):
    for number in range(100):
        await other.tell("things", b"%d" % number, number + 0.123456)
        await other.tell("strange", b"of a name that nobody listens to", 1.0)
        await shelf.tell("things", b"own", 1.0)
    await until(lambda: len(ears.changes) == 100)
    assert ears.changes == [(b"%d" % number, number + 0.123456) for number in range(100)]


async def test_who_comes_later_hears_what_was_told_before(other, shelf, until):
    await other.tell("things", b"before", 1.0)
    ears = Ears()
    shelf.listen("things", ears.hear)
    async with shelf:
        await until(lambda: ears.changes)
    assert ears.changes == [(b"before", 1.0)]


async def test_who_was_away_hears_what_was_told_meanwhile(link, lose, other, ears, until):
    await other.tell("things", b"before", 1.0)
    await until(lambda: ears.changes)
    await lose(link)
    await other.tell("things", b"meanwhile", 2.0)
    await until(lambda: len(ears.changes) == 2)
    assert ears.changes == [(b"before", 1.0), (b"meanwhile", 2.0)]


async def test_however_many_catch_up_while_others_listen_each_change_is_heard_once_and_in_order(
    shelf, other, ears, monkeypatch
):
    monkeypatch.setattr(redis_shelf, "AT_ONCE", 7)

    async def tell() -> None:
        for number in range(200):
            await other.tell("things", b"%d" % number, 1.0)

    async def catch_up() -> None:
        for _ in range(30):
            await shelf.catch_up()

    await asyncio.gather(tell(), *(catch_up() for _ in range(5)))
    await shelf.catch_up()
    assert [change for change, _ in ears.changes] == [b"%d" % number for number in range(200)]


async def test_to_catch_up_is_to_have_heard_all_that_was_told_before(shelf, other, monkeypatch):
    monkeypatch.setattr(redis_shelf, "AT_ONCE", 7)
    ears = Ears()
    shelf.listen("things", ears.hear)
    for number in range(50):
        await other.tell("things", b"%d" % number, 1.0)
    await shelf.catch_up()
    assert len(ears.changes) == 50


async def test_the_stream_does_not_grow_for_ever(shelf, redis_server, monkeypatch):
    monkeypatch.setattr(redis_shelf, "MOST_CHANGES", 100)
    for number in range(400):
        await shelf.tell("things", b"change", float(number))
        await shelf.put("things", Sealed(float(number), b"x"), "")
    with redis_server.connected() as connection:
        assert connection.xlen("test:changes") <= 300


async def test_there_is_a_look_from_time_to_time_whatever_is_heard(other, ears, until):
    async def chatter() -> None:
        while True:
            await other.tell("strange", b"", 1.0)
            await asyncio.sleep(0.02)

    talking = asyncio.create_task(chatter())
    await until(lambda: ears.looks >= 3)
    talking.cancel()


async def test_after_all_was_lost_it_is_noticed_once_and_what_is_told_then_is_heard(
    shelf, other, ears, redis_server, until
):
    with redis_server.connected() as connection:
        of_a_clock_ahead = f"{int(time.time() * 1_000) + 60_000}-0"
        before = {"name": "things", "by": "another", "change": "before", "at": "1.0"}
        connection.xadd("test:changes", before, id=of_a_clock_ahead)
        await until(lambda: ears.changes and ears.looks)
        connection.flushall()
    await other.tell("things", b"after", 2.0)
    await until(lambda: len(ears.changes) == 2)
    assert ears.changes[1] == (b"after", 2.0)
    await until(lambda: ears.looks > 2)
    assert shelf.losses == 1


async def test_who_finds_the_loss_first_notices_it_too(shelf, ears, redis_server, until):
    await until(lambda: ears.looks)
    for losses in (1, 2, 3):
        before = ears.looks
        with redis_server.connected() as connection:
            connection.flushall()
        await until(lambda losses=losses, before=before: shelf.losses == losses and ears.looks > before)


async def test_a_copy_that_redis_did_not_take_while_it_was_away_is_found_to_be_missing(  # noqa: PLR0917  # fixtures
    shelf, link, lose, ears, redis_server, until
):
    await until(lambda: ears.looks)
    redis_server.freeze()
    await lose(link)
    assert await shelf.put("things", Sealed(1.0, b"content"), "") is None
    redis_server.thaw()
    looks = ears.looks
    await until(lambda: shelf.is_reachable and shelf.losses == 1)
    await until(lambda: ears.looks > looks + 2)
    assert shelf.losses == 1


async def test_what_nobody_foresaw_does_not_end_the_listening(shelf, other, until, caplog):
    heard: list[bytes | None] = []

    def stumble(change: bytes | None, _: float) -> None:
        if change is not None:
            heard.append(change)
            if len(heard) == 1:
                raise RuntimeError("nobody foresaw this")

    shelf.listen("things", stumble)
    async with shelf:
        await other.tell("things", b"first", 1.0)
        await until(lambda: heard)
        await other.tell("things", b"second", 1.0)
        await until(lambda: len(heard) == 2)
    assert "a step failed, and is done again" in caplog.text
