"""Fetches answers as wrk would, and tells whether two servers say the same."""

import contextlib
import gzip
import http.client
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import brotli
import zstandard
from msgspec import Struct

from benchmarks.peers.cases import Case
from benchmarks.peers.wrk import Ask

ANSWER_WITHIN_S = 180.0
OK, NOT_MODIFIED = 200, 304
NOT_OFFERED = "not offered"
_OWN_HEADERS = ("date", "connection", "server", "transfer-encoding")
"""A server sends these of its own."""
_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}


class Answer(Struct, frozen=True):
    """One answer as it came over the wire."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Give a header's value; empty without it."""
        return next((value for known, value in self.headers if known.lower() == name), "")

    def content(self) -> Any:
        """Decode the JSON; a list in an order of its own, as servers differ in theirs."""
        if not self.body:
            return None
        found = json.loads(_DECODERS[self.header("content-encoding")](self.body))
        return sorted(found, key=_sort_key) if isinstance(found, list) else found

    def recorded(self, path: str) -> tuple[str, str, int, list[tuple[bytes, bytes]], bytes]:
        """Write it down for the bare ASGI app."""
        route, _, query = path.partition("?")
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers]
        sent = [(name, value) for name, value in headers if name.decode() not in _OWN_HEADERS]
        return unquote(route), query, self.status, sent, self.body


def _sort_key(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


class Fetcher:
    """Asks one server over one kept connection."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._headers = headers
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=ANSWER_WITHIN_S
        )

    def fetch(self, ask: Ask) -> Answer:
        """Ask once."""
        self._connection.putrequest(ask.method, ask.path, skip_accept_encoding=True)
        body = ask.body.encode()
        sized = {"Content-Length": str(len(body))} if body else {}
        for name, value in {**self._headers, **sized}.items():
            self._connection.putheader(name, value)
        self._connection.endheaders(body or None)
        response = self._connection.getresponse()
        return Answer(response.status, tuple(response.getheaders()), response.read())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def fetch_all(url: str, asks: Sequence[Ask], headers: Mapping[str, str]) -> Iterator[Answer]:
    """Ask one after another."""
    with contextlib.closing(Fetcher(url, headers)) as fetcher:
        yield from map(fetcher.fetch, asks)


def what_is_wrong(case: Case, ours: Answer, theirs: Answer) -> str:
    """Say what a peer's answer lacks to be compared with ours; empty where nothing does."""
    if missing := what_is_missing(case, theirs):
        return missing
    return "" if theirs.content() == ours.content() else "answers something else"


def what_is_missing(case: Case, answer: Answer) -> str:
    """Say that an answer is not of the kind that a case asks for."""
    if case.status == NOT_MODIFIED and answer.status == OK:
        return NOT_OFFERED
    if answer.status != case.status:
        return f"answers {answer.status}"
    if case.coding and answer.header("content-encoding") != case.coding:
        return NOT_OFFERED
    return ""
