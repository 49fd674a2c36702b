"""A Redis in every kind of trouble: nobody waits for it, it is told once, and it is taken up again."""

import asyncio
import time

import pytest

from wisphub_api.shared import redis_link
from wisphub_api.shared.backend import LinkState
from wisphub_api.shared.redis_link import ANSWER_S, Degraded, RedisLink

BOUND_S = 15.0
"""Far more than is waited on a busy machine, and less than if each who asks waited in turn, or for ever."""


async def ask(link: RedisLink) -> bool:
    """Ask something small; tell whether there was an answer."""
    try:
        await link.ask(lambda redis: redis.get("k"))
    except Degraded:
        return False
    return True


@pytest.fixture(autouse=True)
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(redis_link, "FIRST_TRY_S", 0.1)
    for bound in ("CONNECT_S", "UNHURRIED_S"):  # a busy machine is no trouble
        monkeypatch.setattr(redis_link, bound, 60.0)


@pytest.fixture
def patient(monkeypatch) -> None:
    """Let Redis have its time where one looks whether it is well."""
    monkeypatch.setattr(redis_link, "PROBE_S", 60.0)


@pytest.fixture(autouse=True)
def _warnings_and_worse(caplog) -> None:
    """Other tests of this process may have let more through."""
    caplog.set_level("WARNING")


async def test_it_is_there_at_the_start(redis_server, caplog):
    caplog.set_level("INFO")
    async with RedisLink(redis_server.url) as link:
        assert link.state() == LinkState("together", None, 0)
    assert caplog.messages == ["Redis is shared with other processes"]


async def test_it_is_not_there_at_the_start_but_comes(redis_server, caplog, until):
    redis_server.stop()
    async with RedisLink(redis_server.url) as link:
        assert not await ask(link)
        await until(lambda: link.state().troubles == 1)
        redis_server.start()
        await until(lambda: link.state().state == "together")
        assert await ask(link)
    assert caplog.messages == [
        "going on without Redis: it cannot be reached",
        "Redis is back: shared with other processes again",
    ]


@pytest.mark.smoke
async def test_it_goes_down_and_comes_back_and_each_is_told_once(redis_server, caplog, until):
    async with RedisLink(redis_server.url, answer_s=60) as link:
        redis_server.stop()
        assert [await ask(link) for _ in range(100)] == [False] * 100
        await until(lambda: link.state().troubles == 1)
        assert [await ask(link) for _ in range(100)] == [False] * 100
        redis_server.start()
        await until(lambda: link.state().state == "together")
        assert [await ask(link) for _ in range(100)] == [True] * 100
    assert caplog.messages == [
        "going on without Redis: it cannot be reached",
        "Redis is back: shared with other processes again",
    ]


async def test_nobody_waits_long_while_it_does_not_answer(redis_server, caplog, until):
    async with RedisLink(redis_server.url) as link:
        redis_server.freeze()
        begun = time.monotonic()
        answers = await asyncio.gather(*(ask(link) for _ in range(200)))
        assert time.monotonic() - begun < BOUND_S
        assert not any(answers)
        while not link.state().troubles:  # of a time-out that comes late, a busy process is blamed
            assert not await ask(link)
            await asyncio.sleep(0.01)
        begun = time.monotonic()
        assert [await ask(link) for _ in range(1_000)] == [False] * 1_000
        assert time.monotonic() - begun < BOUND_S
        assert link.state() == LinkState("alone", "it does not answer in time", 1)
        redis_server.thaw()
        await until(lambda: link.state().state == "together")
    assert caplog.messages == [
        "going on without Redis: it does not answer in time",
        "Redis is back: shared with other processes again",
    ]


@pytest.mark.usefixtures("patient")
async def test_one_answer_that_comes_too_late_is_no_trouble(redis_server, caplog, until):
    async with RedisLink(redis_server.url) as link:
        with pytest.raises(Degraded):
            await link.ask(lambda redis: redis.blpop(["nothing"], timeout=1), within_s=0.05)
        await until(lambda: link.state().state == "together")
        await asyncio.sleep(0)
        assert link.state().troubles == 0
    assert caplog.messages == []


async def test_a_process_that_is_busy_itself_does_not_blame_redis(redis_server, caplog):
    async with RedisLink(redis_server.url) as link:
        asking = asyncio.gather(*(ask(link) for _ in range(20)))
        await asyncio.sleep(0)
        time.sleep(3 * ANSWER_S)  # noqa: ASYNC251  # this is the point
        await asking
        assert link.state() == LinkState("together", None, 0)
    assert caplog.messages == []


@pytest.mark.parametrize("steps", range(4))
async def test_a_time_out_is_one_whatever_it_comes_together_with(redis_server, steps):
    async with RedisLink(redis_server.url) as link:
        redis_server.freeze()
        asking = asyncio.create_task(ask(link))
        for _ in range(steps):
            await asyncio.sleep(0)
        time.sleep(3 * ANSWER_S)  # noqa: ASYNC251  # what is under way and the time-out are there at once now
        begun = time.monotonic()
        assert not await asking
        assert time.monotonic() - begun < BOUND_S


async def test_a_crowd_is_answered_over_few_connections(redis_server):
    async with RedisLink(redis_server.url, answer_s=60) as link:
        assert all(await asyncio.gather(*(ask(link) for _ in range(1_000))))
        with redis_server.connected() as connection:
            assert len(connection.client_list()) <= redis_link.CONNECTIONS + 1


async def test_who_finds_no_connection_free_goes_on_without_and_redis_is_not_blamed(
    redis_server, monkeypatch
):
    monkeypatch.setattr(redis_link, "CONNECTIONS", 1)
    async with RedisLink(redis_server.url) as link:
        slow = asyncio.create_task(link.ask(lambda redis: redis.blpop(["nothing"], timeout=1), within_s=10))
        await asyncio.sleep(0.05)
        assert not await ask(link)
        assert link.state() == LinkState("together", None, 0)
        await slow


async def test_one_that_is_full_is_told_and_taken_up_when_it_has_room(redis_server, caplog, until):
    with redis_server.configured() as connection:
        async with RedisLink(redis_server.url, answer_s=60) as link:
            connection.config_set("maxmemory-policy", "noeviction")
            connection.config_set("maxmemory", "1")
            with pytest.raises(Degraded, match="it is full"):
                await link.ask(lambda redis: redis.set("k", "v"))
            await until(lambda: link.state().troubles == 1)
            connection.config_set("maxmemory", "0")
            await until(lambda: link.state().state == "together")
    assert caplog.messages[0] == "going on without Redis: it is full"


@pytest.mark.parametrize("url", ["unix://:wrong@{}", "unix://{}"])
async def test_a_wrong_password_is_told_and_never_shown(redis_server, caplog, url):
    with redis_server.configured() as connection:
        connection.config_set("requirepass", "the-password")
    socket = redis_server.url.removeprefix("unix://")
    async with RedisLink(url.format(socket), answer_s=60) as link:
        assert link.state().why == "it does not accept the password of WISPHUB_API_REDIS_URL"
    assert "wrong" not in caplog.text
    async with RedisLink(f"unix://:the-password@{socket}", answer_s=60) as link:
        assert await ask(link)
    assert "the-password" not in caplog.text


async def test_a_user_that_may_not_write_is_told(redis_server):
    with redis_server.configured() as connection:
        connection.acl_setuser(
            "reader", enabled=True, passwords=["+pw"], categories=["+@read", "+@connection"]
        )
    socket = redis_server.url.removeprefix("unix://")
    async with RedisLink(f"unix://reader:pw@{socket}", answer_s=60) as link:
        assert link.state().why == "its user may not do what is needed"


async def test_a_replica_that_only_reads_is_told(redis_server):
    with redis_server.configured() as connection:
        connection.replicaof("127.0.0.1", 1)
    async with RedisLink(redis_server.url, answer_s=60) as link:
        assert link.state().why == "it refuses (ReadOnlyError)"


async def test_connections_that_died_unnoticed_are_not_asked_again(redis_server, until):
    async with RedisLink(redis_server.url, answer_s=60) as link:
        await asyncio.gather(*(ask(link) for _ in range(20)))
        with redis_server.connected() as connection:
            connection.client_kill_filter(_type="normal", skipme=True)
        await asyncio.gather(*(ask(link) for _ in range(20)))
        await until(lambda: link.state().state == "together")
        assert all(await asyncio.gather(*(ask(link) for _ in range(20))))


async def test_whatever_goes_wrong_a_request_is_answered_and_it_is_tried_again(redis_server, caplog, until):
    async def surprise(_: object) -> None:
        raise RuntimeError("of a library's own, with Esperanza in it")

    async with RedisLink(redis_server.url, answer_s=60) as link:
        with pytest.raises(Degraded):
            await link.ask(surprise)
        await until(lambda: link.state().state == "together")
    assert "Esperanza" not in caplog.text


async def test_who_wants_to_know_is_told_when_it_is_back(redis_server, until):
    told: list[str] = []

    async def tell() -> None:
        told.append(link.state().state)

    redis_server.stop()
    async with RedisLink(redis_server.url, answer_s=60) as link:
        link.on_return(tell)
        redis_server.start()
        await until(lambda: told)
    assert told == ["together"]


@pytest.mark.usefixtures("patient")
async def test_who_went_on_alone_for_a_moment_is_told_too(redis_server, until):
    told: list[int] = []

    async def tell() -> None:
        told.append(link.state().troubles)

    async with RedisLink(redis_server.url) as link:
        link.on_return(tell)
        with pytest.raises(Degraded):
            await link.ask(lambda redis: redis.blpop(["nothing"], timeout=1), within_s=0.05)
        await until(lambda: told)
    assert told == [0]


async def test_to_close_it_takes_no_time_while_it_does_not_answer(redis_server):
    begun = 0.0
    async with RedisLink(redis_server.url) as link:
        redis_server.freeze()
        await ask(link)
        begun = time.monotonic()
    assert time.monotonic() - begun < BOUND_S


async def test_what_is_under_way_is_answered_before_it_is_closed_and_nothing_is_asked_after(redis_server):
    async with RedisLink(redis_server.url) as link:
        slow = asyncio.create_task(link.ask(lambda redis: redis.blpop(["nothing"], timeout=1), within_s=10))
        await asyncio.sleep(0.05)
    assert slow.done()
    assert slow.result() is None
    with pytest.raises(Degraded, match="this process ends"):
        await link.ask(lambda redis: redis.get("k"))
    with redis_server.connected() as connection:
        assert len(connection.client_list()) == 1, "its own"
