"""Whose key is it, and are changed keys taken without a restart?"""

import asyncio
import logging
from pathlib import Path

import pytest

from wisphub_api.api_keys import SCOPES, ApiKey, Caller, digest
from wisphub_api.exceptions import SettingsError
from wisphub_api.web.rules.keys import LOOK_EVERY_S, KeyRing

OWN = {"bot": ApiKey(digest(b"key-one")), "app": ApiKey(digest(b"key-two"), frozenset({"read"}))}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.txt"
    path.touch(mode=0o600)
    path.write_text("old:old-key")
    return path


@pytest.fixture
def ring(file: Path) -> KeyRing:
    return KeyRing(OWN, file)


def look_until_taken(ring: KeyRing) -> None:
    """Once to see a change, once more to see that it rests."""
    ring.look()
    ring.look()


def test_a_known_key_is_named_with_what_it_may_do():
    ring = KeyRing(OWN)
    assert ring.find(b"key-one") == Caller("bot", SCOPES)
    assert ring.find(b"key-two") == Caller("app", frozenset({"read"}))


@pytest.mark.parametrize(
    "given", [b"", b"key-on", b"key-one ", b"KEY-ONE", "ключ".encode(), b"\xff", digest(b"key-one")]
)
def test_anything_else_is_nobody(given):
    assert KeyRing(OWN).find(given) is None


def test_the_keys_themselves_are_not_in_memory():
    assert "key-one" not in repr(vars(KeyRing(OWN)))


def test_the_keys_of_a_file_are_known_beside_the_others(ring):
    assert [ring.find(key) is not None for key in (b"old-key", b"key-one")] == [True, True]


def test_a_file_that_cannot_be_used_stops_the_start(file):
    file.chmod(0o644)
    with pytest.raises(SettingsError):
        KeyRing(OWN, file)


def test_a_changed_file_is_taken_and_a_key_that_is_gone_lets_nobody_in(ring, file, caplog):
    file.write_text("new/read:new-key")
    with caplog.at_level(logging.INFO):
        look_until_taken(ring)
    assert ring.find(b"new-key") == Caller("new", frozenset({"read"}))
    assert ring.find(b"old-key") is None
    assert ring.find(b"key-one")
    assert [record.getMessage() for record in caplog.records] == ["API keys read anew: bot, app, new"]


def test_a_file_put_in_the_place_of_the_other_is_taken(ring, file, tmp_path):
    new = tmp_path / "new"
    new.touch(mode=0o600)
    new.write_text("new:new-key")
    new.replace(file)
    look_until_taken(ring)
    assert ring.find(b"new-key")


def test_a_file_that_is_being_written_is_not_read_by_half(ring, file):
    file.write_text("new:new-k")
    ring.look()
    file.write_text("new:new-key-2")
    ring.look()
    assert ring.find(b"old-key")
    ring.look()
    assert ring.find(b"new-key-2")


@pytest.mark.parametrize("break_file", ["garble", "open to others", "remove"])
def test_a_broken_file_leaves_the_keys_and_is_told_once_without_any_key(ring, file, caplog, break_file):
    if break_file == "garble":
        file.write_text("hush")
    elif break_file == "remove":
        file.unlink()
    else:
        file.chmod(0o644)
    for _ in range(5):
        ring.look()
    assert ring.find(b"old-key")
    assert len(caplog.records) == 1
    assert f"the API keys stay as they were: WISPHUB_API_KEYS_FILE {file} cannot be used" in caplog.text
    assert not {"hush", "old-key"} & set(caplog.text.split())


def test_a_mended_file_is_taken_again(ring, file):
    file.write_text("hush")
    look_until_taken(ring)
    file.write_text("new:new-key")
    look_until_taken(ring)
    assert ring.find(b"new-key")


@pytest.mark.looptime
async def test_the_file_is_looked_at_about_once_a_second_for_as_long_as_the_service_runs(ring, file):
    async with ring:
        file.write_text("new:new-key")
        await asyncio.sleep(2 * LOOK_EVERY_S + 0.1)
        assert ring.find(b"new-key")
        assert asyncio.get_running_loop().time() < 3
    file.write_text("newer:newer-key")
    await asyncio.sleep(10)
    assert ring.find(b"new-key")
