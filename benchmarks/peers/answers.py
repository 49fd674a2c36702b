"""Fetches answers as wrk would, and compares those of two servers."""

import contextlib
import gzip
import http.client
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
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
"""A server adds these itself."""
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
        """Return a header's value; empty without it."""
        return next((value for known, value in self.headers if known.lower() == name), "")

    def content(self) -> Any:
        """Return the decoded JSON; a list sorted, as servers differ in their order."""
        if not self.body:
            return None
        found = json.loads(_DECODERS[self.header("content-encoding")](self.body))
        return sorted(found, key=_sort_key) if isinstance(found, list) else found

    def recorded(self, path: str) -> tuple[str, str, int, list[tuple[bytes, bytes]], bytes]:
        """Return it as the bare ASGI app reads it."""
        route, _, query = path.partition("?")
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers]
        sent = [(name, value) for name, value in headers if name.decode() not in _OWN_HEADERS]
        return unquote(route), query, self.status, sent, self.body

    def on_the_wire(self) -> bytes:
        """Return it as the service sent it, for the floor."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers if name.lower() != "transfer-encoding"]
        if self.body and not self.header("content-length"):
            lines.append(f"content-length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


def _sort_key(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


class Fetcher:
    """Sends requests to one server over one kept connection; `headers` hold the Host."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._headers = headers
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=ANSWER_WITHIN_S
        )

    def fetch(self, ask: Ask) -> Answer:
        """Send one request and return its answer."""
        self._connection.putrequest(ask.method, ask.path, skip_host=True, skip_accept_encoding=True)
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
    """Return the answers to all requests, sent one after another."""
    with contextlib.closing(Fetcher(url, headers)) as fetcher:
        yield from map(fetcher.fetch, asks)


def what_is_wrong(case: Case, ours: Answer, theirs: Answer) -> str:
    """Return why a peer's answer cannot be compared with ours; empty where it can."""
    if missing := what_is_missing(case, theirs):
        return missing
    mine, other = ours.content(), theirs.content()
    is_same = len(mine) == len(other) if case.is_ranked else mine == other
    return "" if is_same else "answers something else"


def what_is_missing(case: Case, answer: Answer) -> str:
    """Return in what an answer is not of the kind that a case asks for; empty where it is."""
    if case.status == NOT_MODIFIED and answer.status == OK:
        return NOT_OFFERED
    if answer.status != case.status:
        return f"answers {answer.status}"
    if case.coding and answer.header("content-encoding") != case.coding:
        return NOT_OFFERED
    return ""
