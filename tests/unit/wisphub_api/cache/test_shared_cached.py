"""Several processes, one load: the others take it over, and see what one has written.

Each "process" here has a cache and a shelf of its own; the folder is real. `tests/system` proves the same of
processes that share a Redis.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from wisphub_api.cache import shared_cached
from wisphub_api.cache.shared import Codec, Loaded, Shared
from wisphub_api.cache.shared_cached import SharedCached
from wisphub_api.cache.slot import Policy
from wisphub_api.exceptions import UpstreamFailed
from wisphub_api.shared import sqlite
from wisphub_api.shared.backend import Backend
from wisphub_api.shared.sealed import Seal, SealedBackend
from wisphub_api.shared.sqlite import SqliteBackend

Things = tuple[str, ...]
WITHIN_S = 60
"""Bounds what hangs; nothing else."""


class Added(msgspec.Struct, frozen=True, tag=True):
    """A thing that was written."""

    thing: str

    def __call__(self, things: Things, /) -> Things:
        return (*(thing for thing in things if thing != self.thing), self.thing)


class Source:
    """The upstream of all processes: each load gives the things that were there when it began."""

    def __init__(self) -> None:
        self.things: Things = ("a",)
        self.loads = 0
        self.cost_s = 0.05
        self.error: Exception | None = None

    async def load(self, _: object) -> Things:
        self.loads += 1
        found = self.things
        await asyncio.sleep(self.cost_s)
        if self.error is not None:
            raise self.error
        return found


class Place:
    """Where processes share: starts them, all with the same settings."""

    def __init__(self, folder: Path, source: Source) -> None:
        self.folder = folder
        self.packed: list[Things] = []
        self.unpacked: list[Things] = []
        self.codec = Codec[Things, Things](kind=Things, pack=self._pack, unpack=self._unpack, changes=Added)
        self._source = source

    def _pack(self, things: Things) -> Things:
        self.packed.append(things)
        return things

    def _unpack(self, things: Things, previous: Things | None) -> Things:
        self.unpacked.append(things)
        return previous if things == previous else things

    @asynccontextmanager
    async def backend(self, wall: Callable[[], float]) -> AsyncIterator[Backend]:
        """Return what a process shares by; its context is yet to be entered."""
        yield SqliteBackend(self.folder, wall)

    @asynccontextmanager
    async def process(
        self,
        *,
        ttl_s: float = 100,
        key: str = "key",
        load: Any = None,
        codec: Codec[Things, Any] | None = None,
        wall: Callable[[], float] = time.time,
    ) -> AsyncIterator[SharedCached[Things]]:
        async with AsyncExitStack() as stack:
            backend = SealedBackend(await stack.enter_async_context(self.backend(wall)), Seal(key))
            policy = Policy(ttl_s=ttl_s, max_stale_s=1_000, cold_wait_s=10)
            shared = Shared("things", codec or self.codec, backend)
            cached = SharedCached(
                "things", load or self._source.load, policy, len, shared, draw=lambda: 0.5, wall=wall
            )
            await stack.enter_async_context(backend)
            await stack.enter_async_context(cached)
            yield cached


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def place(tmp_path, source, monkeypatch) -> Place:
    monkeypatch.setattr(sqlite, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(shared_cached, "ASK_FOR_LEASE_S", 0.05)
    return Place(tmp_path, source)


async def until(is_so: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    """Wait until it is so; fail where it does not become so."""
    async with asyncio.timeout(within_s):
        while not is_so():  # noqa: ASYNC110  # nothing tells when it is
            await asyncio.sleep(0.01)


def is_put(process: SharedCached[Things]) -> bool:
    """Return whether the others can have what this process has."""
    return process._is_put and not process._snapshot_lock.locked()


def values(*processes: SharedCached[Things]) -> set[Things | None]:
    slots = (process._slot for process in processes)
    return {slot.value if slot else None for slot in slots}


async def test_four_cold_processes_make_one_load(place, source):
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(place.process()) for _ in range(4)]
        readings = await asyncio.gather(*(process.read() for process in processes))
        assert {reading.value for reading in readings} == {("a",)}
        assert source.loads == 1
        assert sorted(process.state().taken_over for process in processes) == [0, 1, 1, 1]


async def test_each_refresh_is_one_load_and_reaches_all(place, source):
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(place.process(ttl_s=2)) for _ in range(4)]
        await until(lambda: values(*processes) == {("a",)})
        source.things = ("a", "b")
        await until(lambda: values(*processes) == {("a", "b")})
        assert source.loads == 2


async def test_a_process_that_starts_later_is_warm_at_once_and_as_old_as_the_load(place, source):
    async with place.process() as first:
        await first.read()
        await asyncio.sleep(0.3)
        async with place.process() as second:
            reading = await second.read()
            assert (reading.value, reading.has_waited) == (("a",), False)
            assert reading.age_s >= 0.3
            assert source.loads == 1


async def test_a_start_without_upstream_answers_stale_from_what_was_kept(place, source):
    async with place.process(ttl_s=1) as before:
        await before.read()
    await asyncio.sleep(1.1)
    source.error = UpstreamFailed("down", status=503)
    async with place.process(ttl_s=1) as after:
        reading = await after.read()
        assert (reading.value, reading.is_stale) == (("a",), True)


async def test_a_load_that_finds_nothing_new_is_neither_packed_nor_written_nor_unpacked_again(place, source):
    async with place.process() as loader, place.process() as follower:
        await until(lambda: values(loader, follower) == {("a",)} and is_put(loader) and is_put(follower))
        packed, unpacked, before = len(place.packed), len(place.unpacked), follower._slot.value

        async def load_again() -> None:
            loads = loader.state().loads
            loader.invalidate()
            await until(lambda: loader.state().loads > loads and is_put(loader))
            await until(lambda: follower._loaded_at == loader._loaded_at)

        await load_again()
        await load_again()
        assert (len(place.packed), len(place.unpacked)) == (packed, unpacked)
        assert follower._slot.value is before
        async with place.process() as newcomer:
            assert values(newcomer) == {("a",)}
        source.things = ("a", "b")
        loader.invalidate()
        await until(lambda: values(loader, follower) == {("a", "b")})
        assert set(place.packed[packed:]) == {("a", "b")}
        assert place.unpacked[-1] == ("a", "b")


async def test_what_is_written_is_sent_alone_and_not_the_whole_again(place):
    async with place.process() as writer, place.process() as reader:
        await until(lambda: values(writer, reader) == {("a",)} and is_put(writer))
        packed = len(place.packed)
        for number in range(5):
            await writer.amend(Added(str(number)))
        await until(lambda: values(reader) == {("a", *map(str, range(5)))})
        assert len(place.packed) == packed


async def test_what_one_process_writes_all_show(place, source):
    async with place.process() as writer, place.process() as reader:
        await until(lambda: values(writer, reader) == {("a",)})
        await writer.amend(Added("b"))
        assert values(writer) == {("a", "b")}
        await until(lambda: values(reader) == {("a", "b")})
        async with place.process() as newcomer:
            await until(lambda: values(newcomer) == {("a", "b")})
    assert source.loads == 1


async def test_what_two_write_at_once_is_not_lost(place):
    async with place.process() as one, place.process() as other:
        await until(lambda: values(one, other) == {("a",)})
        await asyncio.gather(one.amend(Added("b")), other.amend(Added("c")))
        await until(lambda: {frozenset(value or ()) for value in values(one, other)} == {frozenset("abc")})
        async with place.process() as newcomer:
            await until(lambda: {frozenset(value or ()) for value in values(newcomer)} == {frozenset("abc")})


async def test_a_load_that_began_before_a_write_does_not_undo_it(place, source):
    async with place.process() as loader, place.process() as writer:
        await until(lambda: values(loader, writer) == {("a",)})
        source.cost_s, loads = 1.0, loader.state().good_loads
        loader.invalidate()
        await until(lambda: source.loads == 2)
        await writer.amend(Added("b"))
        await until(lambda: loader.state().good_loads > loads)
        await until(lambda: values(loader, writer) == {("a", "b")})
        async with place.process() as newcomer:
            await until(lambda: values(newcomer) == {("a", "b")})


async def test_catching_up_sees_what_was_written_before(place):
    async with place.process() as writer, place.process() as reader:
        await until(lambda: values(writer, reader) == {("a",)})
        await writer.amend(Added("b"))
        await reader.catch_up()
        assert values(reader) == {("a", "b")}


async def test_to_load_anew_in_one_process_is_to_load_anew_for_all(place, source):
    async with place.process() as one, place.process() as other:
        await until(lambda: values(one, other) == {("a",)})
        source.things = ("z",)
        one.invalidate()
        await until(lambda: values(one, other) == {("z",)})
        assert source.loads == 2


async def test_when_the_loading_process_ends_another_takes_its_turn(place, source):
    async def hang(_: object) -> Things:
        await asyncio.sleep(60)
        return ()

    async with place.process() as waiting:
        async with place.process(load=hang):
            pass
        assert (await waiting.read()).value == ("a",)
    async with place.process() as later:
        await later.read()
    assert source.loads == 1


async def test_a_failed_load_is_tried_by_the_next(place):
    def fail(_: object) -> Any:
        raise UpstreamFailed("no", status=500)

    async with place.process(load=fail) as failing, place.process() as other:
        assert (await other.read()).value == ("a",)
        await until(lambda: values(failing) == {("a",)})


async def test_a_snapshot_under_another_key_is_left_alone(place, source, caplog):
    async with place.process() as first:
        await first.read()
    async with place.process(key="another") as stranger:
        assert (await stranger.read()).has_waited
    assert source.loads == 2
    assert "things: the shared snapshot is of another WISPHUB_NET_KEY or release" in caplog.text


async def test_who_took_over_one_load_makes_the_next_itself_when_the_loader_has_gone(place, source):
    async with place.process(ttl_s=1) as heir:
        async with place.process(ttl_s=1) as loader:
            await until(lambda: values(heir, loader) == {("a",)})
        source.loads = heir._counts["loads"] = 0
        begun = heir._generation
        await until(lambda: source.loads >= 2)
        assert heir.state().loads == source.loads
        assert heir._generation - begun <= source.loads + 1


async def test_what_was_written_earlier_stands_before_what_was_written_later_whenever_it_is_heard(place):
    async with place.process() as one, place.process() as other:
        await until(lambda: values(one, other) == {("a",)})
        earlier = (round(time.time(), 6), Added("b"))
        await other.amend(Added("c"))
        one._know(earlier)
        one._unpublished.append(earlier)
        await one.amend(Added("d"))
        await until(lambda: values(one, other) == {("a", "b", "c", "d")})


async def test_one_whose_writing_was_cut_short_has_it_told_all_the_same(place):
    async with place.process() as writer, place.process() as reader:
        await until(lambda: values(writer, reader) == {("a",)})
        async with writer._publish_lock:
            writing = asyncio.create_task(writer.amend(Added("b")))
            await asyncio.sleep(0)
            writing.cancel()
            await asyncio.wait({writing})
        await until(lambda: values(writer, reader) == {("a", "b")})


@pytest.mark.parametrize("ahead_s", [-1.5, 1.5])
async def test_processes_whose_clocks_differ_a_little_share_all_the_same(place, source, ahead_s: float):
    def wall() -> float:
        return time.time() + ahead_s

    async with place.process() as one, place.process(wall=wall) as other:
        await until(lambda: values(one, other) == {("a",)})
        await one.amend(Added("b"))
        await other.amend(Added("c"))
        await until(lambda: {frozenset(value or ()) for value in values(one, other)} == {frozenset("abc")})
        source.things = ("z",)
        await asyncio.sleep(abs(ahead_s))
        other.invalidate()
        await until(lambda: all("z" in (value or ()) for value in values(one, other)))
    assert source.loads == 2


async def test_a_copy_of_the_future_is_not_believed(place, source):
    async with place.process(wall=lambda: time.time() + 3_600) as future:
        await future.read()
    source.things = ("now",)
    async with place.process() as later:
        assert (await later.read()).value == ("now",)
        await until(lambda: is_put(later))
        async with place.process() as newcomer:
            await until(lambda: values(newcomer) == {("now",)})
    assert source.loads == 2


async def test_after_the_clock_was_set_back_what_is_written_and_loaded_counts(place, source):
    ahead_s = 3_600.0
    async with place.process(wall=lambda: time.time() + ahead_s) as cached:
        await cached.read()
        ahead_s = 0.0
        await cached.amend(Added("b"))
        assert values(cached) == {("a", "b")}
        source.things = ("z",)
        async with place.process() as other:
            other.invalidate()
            await until(lambda: all("z" in (value or ()) for value in values(cached, other)))


async def test_a_snapshot_of_another_release_is_left_alone(place, source, caplog):
    async with place.process() as old:
        await old.read()
    async with place.process(
        codec=Codec[Things, Any](tuple[str | int, ...], tuple, lambda things, _: things, Added)
    ) as new:
        assert (await new.read()).value == ("a",)
    assert source.loads == 2
    assert caplog.text.count("things: the shared snapshot is of another WISPHUB_NET_KEY or release") == 1


async def test_what_cannot_be_read_makes_others_look_for_a_copy(place):
    async with place.process() as reader:
        await reader.read()
        heard: list[str] = []
        hear = reader._shared._on_message(lambda *_: heard.append("change"), lambda: heard.append("look"))
        hear(b"\xc1", 0.0)
        hear(None, 0.0)
        assert heard == ["look"] * 2


class Broken(msgspec.Struct, frozen=True, tag=True):
    """What fails when it is made."""

    def __call__(self, _: Things, /) -> Things:
        raise ValueError("Esperanza")


async def test_a_change_that_fails_stops_neither_reading_nor_loading(place, source, caplog):
    async with place.process() as cached:
        await cached.read()
        await cached.amend(Broken())
        source.things = ("z",)
        cached.invalidate()
        await until(lambda: values(cached) == {("z",)})
    assert "things: a change could not be made" in caplog.messages


async def test_trouble_while_sharing_is_a_failed_load_and_no_endless_haste(place, monkeypatch):
    async with place.process(ttl_s=1) as cached:
        await cached.read()

        def fail() -> Any:
            raise RuntimeError("nobody foresaw this")

        monkeypatch.setattr(cached._shared, "load_lease", fail)
        await until(lambda: cached.state().failed_loads >= 2)
        assert cached.state().failed_loads < 5
        assert cached.state().last_error == "internal error (RuntimeError)"


async def test_a_loader_whose_turn_was_lost_does_not_undo_what_has_been_loaded_since(place):
    may_go_on = asyncio.Event()

    async def slow(_: object) -> Things:
        await may_go_on.wait()
        return ("old",)

    async with place.process(load=slow) as late:
        await until(lambda: late.state().loads == 1)
        assert await late._shared.put(Loaded(("new",), round(time.time(), 6), 0.1))
        late._shared._seen = ""
        await late._take_over()
        may_go_on.set()
        await until(lambda: late.state().good_loads == 1)
        await asyncio.sleep(0.1)
        assert values(late) == {("new",)}
        async with place.process() as newcomer:
            assert values(newcomer) == {("new",)}


async def test_what_a_load_cannot_have_missed_is_forgotten(place, source, monkeypatch):
    monkeypatch.setattr(shared_cached, "CLOCKS_DIFFER_S", 0.0)
    async with place.process() as writer, place.process() as reader:
        await until(lambda: values(writer, reader) == {("a",)})
        for thing in "bcd":
            await writer.amend(Added(thing))
        await until(lambda: values(writer, reader) == {("a", "b", "c", "d")})
        source.things = ("z",)
        writer.invalidate()
        await until(lambda: values(writer, reader) == {("z",)})
        assert (writer._written, writer._unpublished, reader._written) == ([], [], [])


async def test_however_much_is_written_without_a_load_all_is_shown_and_not_all_is_kept(place, monkeypatch):
    monkeypatch.setattr(shared_cached, "MOST_CHANGES", 5)
    async with place.process() as cached:
        await cached.read()
        for number in range(20):
            await cached.amend(Added(str(number)))
        assert values(cached) == {("a", *map(str, range(20)))}
        assert len(cached._written) == 5


async def test_what_was_written_just_before_the_end_is_seen_by_the_others(place):
    async with place.process() as reader:
        async with place.process() as writer:
            await until(lambda: values(reader, writer) == {("a",)})
            await until(lambda: is_put(reader) and is_put(writer))
            await writer.amend(Added("b"))
        await until(lambda: values(reader) == {("a", "b")})
