"""What a request takes decides the coding; each form is made once, however many ask."""

import asyncio
import gzip
import threading
from typing import Any

import brotli
import pytest
import zstandard

from wisphub_api.cache import codings
from wisphub_api.cache.codings import COMPRESSORS, Forms, choose_coding


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", "identity"),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("zstd;q=0.9, gzip;q=0.9", "zstd"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("BR", "br"),
        ("x-gzip", "gzip"),
        ("*", "br"),
        ("*;q=0", "identity"),
        ("br;q=0, *", "zstd"),
        ("deflate, compress", "identity"),
        ("identity", "identity"),
        ("identity, gzip;q=0.5", "identity"),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("gzip;q=0", "identity"),
        (" gzip ; q=0.5 , ", "gzip"),
        ("gzip;q=2", "identity"),
        ("gzip;q=0.1234", "identity"),
        ("gzip br", "identity"),
        ("gzip;level=1", "identity"),
    ],
)
def test_the_coding_is_the_one_that_is_taken_best(accepted, coding):
    assert choose_coding(accepted) == coding


def test_each_form_gives_the_body_again():
    body = b"Esperanza Benitez " * 1000
    forms = {coding: compress(body) for coding, compress in COMPRESSORS.items()}
    assert gzip.decompress(forms["gzip"]) == body
    assert brotli.decompress(forms["br"]) == body
    assert zstandard.ZstdDecompressor().decompress(forms["zstd"]) == body
    assert all(len(form) < len(body) / 10 for form in forms.values())


class Slow:
    """Compresses when it may, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.calls = 0
        self.may_end = threading.Event()
        self.threads: set[int] = set()

    def __call__(self, body: bytes) -> bytes:
        self.calls += 1
        self.threads.add(threading.get_ident())
        assert self.may_end.wait(10)
        return body[::-1]


@pytest.fixture
def slow(monkeypatch) -> Slow:
    compressor = Slow()
    monkeypatch.setitem(codings.COMPRESSORS, "gzip", compressor)
    return compressor


async def test_all_who_ask_at_once_wait_for_the_same_form_and_the_loop_goes_on(slow):
    forms = Forms(b"abc")
    askers: list[asyncio.Task[Any]] = [asyncio.create_task(forms.make("gzip")) for _ in range(50)]
    await asyncio.sleep(0.05)
    assert forms.ready("gzip") is None
    slow.may_end.set()
    assert set(await asyncio.gather(*askers)) == {b"cba"}
    assert forms.ready("gzip") == await forms.make("gzip") == b"cba"
    assert slow.calls == 1
    assert threading.get_ident() not in slow.threads


async def test_who_asks_first_may_go_away(slow):
    forms = Forms(b"abc")
    first = asyncio.create_task(forms.make("gzip"))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(forms.make("gzip"))
    first.cancel()
    slow.may_end.set()
    assert await second == b"cba"
    assert slow.calls == 1


async def test_a_form_that_could_not_be_made_is_made_when_asked_again(monkeypatch):
    def fail(_: bytes) -> bytes:
        raise MemoryError

    forms = Forms(b"abc")
    monkeypatch.setitem(codings.COMPRESSORS, "gzip", fail)
    with pytest.raises(MemoryError):
        await forms.make("gzip")
    monkeypatch.setitem(codings.COMPRESSORS, "gzip", lambda body: body[::-1])
    assert await forms.make("gzip") == b"cba"
