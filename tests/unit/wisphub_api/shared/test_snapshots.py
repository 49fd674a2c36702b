"""One contract for every backend that keeps snapshots and messages; `tests/system` holds Redis to it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from wisphub_api.shared import sqlite
from wisphub_api.shared.backend import Backend, Snapshot
from wisphub_api.shared.sealed import Seal, SealedBackend
from wisphub_api.shared.sqlite import SqliteBackend

PATIENCE_S = 60


class Ears:
    """What was heard."""

    def __init__(self) -> None:
        self.messages: list[tuple[bytes, float]] = []
        self.looks = 0

    def hear(self, message: bytes | None, at: float) -> None:
        if message is None:
            self.looks += 1
        else:
            self.messages.append((message, at))


class Content:
    """A content, and how often it was asked for."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.asked = 0

    async def __call__(self) -> bytes:
        self.asked += 1
        return self._content


Share = Callable[..., Awaitable[Backend]]


@pytest.fixture(params=["sqlite", "sealed"])
async def share(request, tmp_path, monkeypatch) -> AsyncIterator[Share]:
    """Return the backend as one more process has it, which hears with these ears."""
    monkeypatch.setattr(sqlite, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(sqlite, "REMIND_EVERY_S", 0.3)
    async with AsyncExitStack() as stack:

        async def one_more(ears: Ears | None = None) -> Backend:
            file = SqliteBackend(tmp_path)
            backend: Backend = file if request.param == "sqlite" else SealedBackend(file, Seal("key"))
            if ears is not None:
                backend.subscribe("things", ears.hear)
            return await stack.enter_async_context(backend)

        yield one_more


def snapshot(loaded_at: float, content: bytes | Content, tag: str = "", head: bytes = b"head") -> Snapshot:
    """Return a snapshot whose content has a tag of its own, if no other is given."""
    given = content if isinstance(content, Content) else Content(content)
    return Snapshot(loaded_at, head, tag or f"{content!r}", given)


async def content(backend: Backend, seen: str = "") -> bytes | None:
    found = await backend.newest("things", seen, "")
    return found.content if found else None


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110  # what it waits for tells nobody
            await asyncio.sleep(0.01)


async def test_what_is_put_is_found_by_all_until_they_have_seen_it(share):
    one, other = await share(), await share()
    assert await other.newest("things", "", "") is None
    tag = await one.put_snapshot("things", snapshot(1.0, b"content", "t"), "")
    found = await other.newest("things", "", "")
    assert found is not None
    assert (found.head, found.content_tag, found.content) == (b"head", "t", b"content")
    assert await other.newest("things", found.tag, "") is None
    assert await one.newest("things", tag, "") is None
    assert await other.newest("another", "", "") is None


async def test_a_content_that_is_there_is_neither_asked_for_nor_read_again(share):
    one, other = await share(), await share()
    first, again = Content(b"content"), Content(b"content")
    seen = await one.put_snapshot("things", snapshot(1.0, first, "t"), "")
    tag = await one.put_snapshot("things", snapshot(2.0, again, "t", b"newer"), seen)
    assert tag not in (None, seen)
    assert (first.asked > 0, again.asked) == (True, 0)
    found = await other.newest("things", "", "t")
    assert found is not None
    assert (found.head, found.content) == (b"newer", None)
    assert await content(other) == b"content"


async def test_an_older_snapshot_does_not_replace_a_newer_one(share):
    one, other = await share(), await share()
    newer = await one.put_snapshot("things", snapshot(2.0, b"newer"), "")
    assert newer
    assert await other.put_snapshot("things", snapshot(1.0, b"older"), newer) is None
    assert await content(other) == b"newer"


async def test_of_one_load_only_a_snapshot_that_was_seen_is_replaced(share):
    one, other = await share(), await share()
    first = await one.put_snapshot("things", snapshot(1.0, b"first"), "")
    second = await other.put_snapshot("things", snapshot(1.0, b"second"), first)
    assert second
    assert await one.put_snapshot("things", snapshot(1.0, b"third"), first) is None
    assert await one.put_snapshot("things", snapshot(1.0, b"third"), second)
    assert await other.put_snapshot("things", snapshot(2.0, b"of a later load"), "")


async def test_of_many_who_have_seen_the_same_one_replaces_it(share):
    backends = [await share() for _ in range(5)]
    seen = await backends[0].put_snapshot("things", snapshot(1.0, b"first"), "")
    asked = (one.put_snapshot("things", snapshot(1.0, b"x"), seen) for one in backends)
    assert len([tag for tag in await asyncio.gather(*asked) if tag]) == 1


async def test_a_snapshot_of_the_future_is_not_believed(share):
    backend, now = await share(), time.time()
    assert await backend.put_snapshot("things", snapshot(now + 3_600, b"future"), "")
    assert await backend.put_snapshot("things", snapshot(now, b"now"), "")
    assert await backend.put_snapshot("others", snapshot(now + 1.5, b"a clock that is ahead"), "")
    assert await backend.put_snapshot("others", snapshot(now, b"now"), "") is None


async def test_a_snapshot_that_is_put_makes_others_look_at_once_and_not_oneself(share, monkeypatch):
    monkeypatch.setattr(sqlite, "REMIND_EVERY_S", 3_600)
    ears, heard = Ears(), Ears()
    one, other = await share(ears), await share(heard)
    await until(lambda: ears.looks and heard.looks)
    for backend in (one, other):
        await backend.catch_up()
    ears.looks = heard.looks = 0
    await one.put_snapshot("things", snapshot(1.0, b"content"), "")
    await other.catch_up()
    assert heard.looks >= 1


async def test_there_is_a_look_from_time_to_time_whatever_is_heard(share):
    ears = Ears()
    await share(ears)
    await until(lambda: ears.looks >= 3)


@pytest.mark.smoke
async def test_messages_are_heard_with_their_time_and_in_order_but_ones_own_are_not(share):
    ears = Ears()
    one, other = await share(ears), await share()
    for number in range(100):
        assert await other.publish("things", b"%d" % number, number + 0.123456)
        await other.publish("strange", b"of a name that nobody listens to", 1.0)
        await one.publish("things", b"own", 1.0)
    await until(lambda: len(ears.messages) >= 100)
    assert ears.messages == [(b"%d" % number, number + 0.123456) for number in range(100)]


async def test_who_comes_later_hears_what_was_published_before(share):
    await (await share()).publish("things", b"before", 1.0)
    ears = Ears()
    await share(ears)
    await until(lambda: ears.messages)
    assert ears.messages == [(b"before", 1.0)]


async def test_to_catch_up_is_to_have_heard_all_that_was_published_before(share):
    ears = Ears()
    one, other = await share(ears), await share()
    for number in range(50):
        await other.publish("things", b"%d" % number, 1.0)
        await one.catch_up()
        assert len(ears.messages) == number + 1


async def test_however_many_catch_up_while_others_listen_each_message_is_heard_once_and_in_order(share):
    ears = Ears()
    one, other = await share(ears), await share()

    async def publish() -> None:
        for number in range(200):
            await other.publish("things", b"%d" % number, 1.0)

    async def catch_up() -> None:
        for number in range(30):
            catching = asyncio.create_task(one.catch_up())
            await asyncio.sleep(0)
            if number % 3 == 0:  # whose request is cut off
                catching.cancel()
            await asyncio.wait({catching})

    await asyncio.gather(publish(), *(catch_up() for _ in range(5)))
    await one.catch_up()
    assert [message for message, _ in ears.messages] == [b"%d" % number for number in range(200)]


async def test_what_nobody_foresaw_does_not_end_the_listening(share, caplog):
    heard: list[bytes | None] = []

    class Stumbling(Ears):
        def hear(self, message: bytes | None, at: float) -> None:  # noqa: ARG002  # of no interest
            if message is not None:
                heard.append(message)
                if len(heard) == 1:
                    raise RuntimeError("nobody foresaw this")

    _, other = await share(Stumbling()), await share()
    await other.publish("things", b"first", 1.0)
    await until(lambda: heard)
    await other.publish("things", b"second", 1.0)
    await until(lambda: b"second" in heard)
    assert "nobody foresaw this" in caplog.text
