"""Keys as they are written down, in the environment and in a file."""

import os
from pathlib import Path

import pytest

from wisphub_api.api_keys import FILE_MAX_BYTES, SCOPES, ApiKey, Caller, digest, parse_keys, read_keys
from wisphub_api.exceptions import SettingsError

NOTHING: dict[str, ApiKey] = {}


def parse(*entries: str) -> dict[str, ApiKey]:
    return parse_keys(enumerate(entries, 1))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.txt"
    path.touch(mode=0o600)
    return path


def refusal(file: Path, own: dict[str, ApiKey] = NOTHING) -> str:
    with pytest.raises(SettingsError) as raised:
        read_keys(own, file)
    assert str(raised.value).startswith(f"WISPHUB_API_KEYS_FILE {file} cannot be used: ")
    return str(raised.value)


def test_a_key_without_scopes_may_do_everything():
    assert parse("bot:the-key") == {"bot": ApiKey(digest(b"the-key"), SCOPES)}


def test_a_key_may_do_what_its_scopes_name():
    keys = parse("reports/read:one", "support/read+diagnostics:two")
    assert [key.scopes for key in keys.values()] == [{"read"}, {"read", "diagnostics"}]


@pytest.mark.parametrize(
    ("scopes", "may"),
    [
        ({"read"}, {"read", "verify"}),
        ({"verify"}, {"verify"}),
        ({"write", "diagnostics"}, {"write", "diagnostics"}),
    ],
)
def test_who_may_read_may_verify_as_well_and_nothing_else_comprises_another(scopes, may):
    caller = Caller("bot", frozenset(scopes))
    assert {scope for scope in SCOPES if caller.may(scope)} == may
    assert caller.may_read == ("read" in may)


def test_a_key_may_hold_colons_and_slashes_and_is_not_taken_for_scopes():
    assert parse("bot:write/read:x") == {"bot": ApiKey(digest(b"write/read:x"))}


@pytest.mark.parametrize(
    "entry", ["hush", "bot:", ":hush", "bot/:hush", "bot/READ:hush", "b t:hush", "bot:hu sh", "bot:hushñ"]
)
def test_an_entry_that_is_no_key_is_told_by_its_line(entry):
    with pytest.raises(ValueError, match="line 2 is not name:key") as raised:
        parse("good:key", entry)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("scopes", ["admin", "read+admin", "read+", "+"])
def test_an_unknown_scope_is_told_with_those_there_are(scopes):
    told = "line 1 names a scope that is not one of read, write, diagnostics, verify"
    with pytest.raises(ValueError, match=told):
        parse(f"bot/{scopes}:hush")


def test_each_name_and_each_key_is_given_once():
    with pytest.raises(ValueError, match="the name bot is given twice"):
        parse("bot:one", "bot:two")
    with pytest.raises(ValueError, match="bot and app have the same key"):
        parse("bot:one", "app/read:one")


def test_the_key_itself_is_not_kept():
    assert "the-key" not in repr(parse("bot:the-key")) + str(parse("bot:the-key")["bot"].digest)


def test_a_file_holds_a_key_a_line_beside_those_of_the_settings(file):
    file.write_text("# of the call centre\nreports/read:one\n\n  app:#two,three  \n")
    keys = read_keys(parse("bot:zero"), file)
    assert keys == parse("bot:zero", "reports/read:one", "app:#two,three")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610])
def test_a_file_that_others_may_read_or_write_is_refused(file, mode):
    file.write_text("bot:hush")
    file.chmod(mode)
    told = refusal(file)
    assert f"mode {mode:04o}); chmod 600 it" in told
    assert "hush" not in told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it holds no key"),
        (b"# bot:hush\n", "it holds no key"),
        (b"bot:one\nhush\n", "line 2 is not name:key"),
        (b"bot:hush\xff\n", "it is not valid UTF-8"),
        (b"own:hush\n", "the name own is given twice"),
        (b"bot:hush-own\n", "own and bot have the same key"),
        (b"#" * (FILE_MAX_BYTES + 1), "it is larger than"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason_but_no_key(file, content, told):
    file.write_bytes(content)
    message = refusal(file, parse("own:hush-own"))
    assert told in message
    assert "hush" not in message


def test_a_file_that_is_missing_or_no_file_is_refused(tmp_path):
    assert "No such file" in refusal(tmp_path / "none")
    assert "Is a directory" in refusal(tmp_path)


@pytest.mark.timeout(60)
def test_a_pipe_without_a_writer_does_not_hold_up_the_start(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    assert "it is not a file" in refusal(pipe)
