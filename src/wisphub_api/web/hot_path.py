"""The short way: what is in memory is answered at once, byte for byte as the long way would answer it.

The server's protocol (`BoundedHttp`) takes it before there is a task, a router or an ASGI message. It knows
the routes that read from a cache, and the few header fields that bear on their answers. Whatever else a
request brings or asks for goes the long way: the short one never refuses, waits or fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final, Generic, NamedTuple, TypeVar
from urllib.parse import unquote, unquote_to_bytes

from msgspec import Struct

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.codings import IDENTITY, choose_coding
from wisphub_api.cache.representation import Representation
from wisphub_api.cache.slot import Reading
from wisphub_api.web.cache_status import etag_matches, freshness_headers, representation_headers
from wisphub_api.web.current import HEADER as REQUEST_ID
from wisphub_api.web.current import usable_id
from wisphub_api.web.hot_post import HotPost, PostShortcut
from wisphub_api.web.keys import KeyRing
from wisphub_api.web.request_metrics import Note
from wisphub_api.web.short_answers import OTHER, Fields, Line, Sent, head_of, heeded, sent, tell_some

V = TypeVar("V")

SHORT_WAY: Final = "short_way"
"""Where an application's state has it."""
MEMORY_BYTES: Final = 16 * 1024 * 1024
"""How much the answers that a route remembers may take, each with `OVERHEAD` for its headers."""
OVERHEAD: Final = 1_024

_OK, _NOT_MODIFIED = HTTPStatus.OK.value, HTTPStatus.NOT_MODIFIED.value
_KEY, _KNOWN, _ACCEPTED, _ID = range(4)
_HEEDED: Final[Mapping[bytes, int]] = {
    b"x-api-key": _KEY,
    b"if-none-match": _KNOWN,
    b"accept-encoding": _ACCEPTED,
    REQUEST_ID: _ID,
    b"cache-control": OTHER,
    b"content-length": OTHER,
    b"origin": OTHER,
    b"transfer-encoding": OTHER,
    b"upgrade": OTHER,
}


class Shortcut(Struct, Generic[V], frozen=True):
    """A route that answers from one cache.

    Attributes:
        route: As it is declared.
        cached: The cache.
        find: Finds the answer in the cache's value by the route's one argument; None where the long way has
            to tell.
    """

    route: str
    cached: Cached[V]
    find: Callable[[V, str], Representation | None]


class Shortcuts(Struct, frozen=True):
    """The routes that there is a short way for.

    Attributes:
        whole: Those without an argument, by their path.
        by_part: Those whose argument is the last part of the path, by the path before it.
        by_query: Those whose argument is all of the query, `q`, by their path.
        told: Those that are told something by POST, by the last part of their path.
    """

    whole: Mapping[str, Shortcut[Any]]
    by_part: Mapping[str, Shortcut[Any]]
    by_query: Mapping[str, Shortcut[Any]]
    told: Mapping[str, PostShortcut]


class _Heads(NamedTuple):
    """An answer's head up to the request's id: of 200, and of 304."""

    ok: bytes
    not_modified: bytes


class _Answer:
    """An answer, and its head as it was sent last."""

    __slots__ = ("body", "etag", "headers", "heads", "moment")

    def __init__(self, body: bytes, headers: dict[str, str]) -> None:
        self.body = body
        self.etag = headers["ETag"]
        self.headers = headers
        self.moment: tuple[int, int] | None = None
        self.heads = _Heads(b"", b"")

    def heads_at(self, reading: Reading[Any]) -> _Heads:
        """Give the heads; they change when a second has gone by."""
        moment = (int(reading.age_s), int(reading.ttl_s // 1))
        if moment != self.moment:
            self.moment = moment
            self.heads = self._make(freshness_headers(reading) | self.headers)
        return self.heads

    def _make(self, headers: dict[str, str]) -> _Heads:
        content = {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        known = {name: value for name, value in headers.items() if name != "Content-Encoding"}
        return _Heads(head_of(headers | content), head_of(known))


class _Route(Generic[V]):
    """One route, and the answers that it has given from the value that its cache holds."""

    def __init__(self, shortcut: Shortcut[V]) -> None:
        self.name = shortcut.route
        self.cached = shortcut.cached
        self._find = shortcut.find
        self._value: V | None = None
        self._answers: dict[tuple[str, str], _Answer] = {}
        self._bytes = 0

    def answer(self, value: V, argument: str, coding: str) -> _Answer | None:
        """Give the answer in a coding; None where it has to be found, or made, on the long way."""
        if value is not self._value:
            self._value, self._answers, self._bytes = value, {}, 0
        return self._answers.get((argument, coding)) or self._make(value, argument, coding)

    def _make(self, value: V, argument: str, coding: str) -> _Answer | None:
        found = self._find(value, argument)
        if found is None:
            return None
        used = coding if found.forms is not None else IDENTITY
        body = found.body if found.forms is None or used == IDENTITY else found.forms.ready(used)
        if body is None:
            return None
        answer = _Answer(body, representation_headers(found, used))
        size = OVERHEAD + (len(body) if found.forms is None else 0)  # what is kept anyhow costs nothing
        if self._bytes + size > MEMORY_BYTES:
            self._answers, self._bytes = {}, 0
        self._bytes += size
        self._answers[argument, coding] = answer
        return answer


class _Hit(NamedTuple):
    route: str
    caller: str
    reading: Reading[Any]
    answer: _Answer
    known: bytes | None
    request_id: str


class HotPath:
    """Answers requests for what is in memory.

    Args:
        ring: The known keys; None lets everyone in.
        shortcuts: The routes.
        note: Is told of each answer.
        sample: The part of the answers that have a line in the log, from 0 to 1.

    Attributes:
        posts: Answers what is told by POST.
    """

    def __init__(self, ring: KeyRing | None, shortcuts: Shortcuts, note: Note, sample: float) -> None:
        self._ring = ring
        self._whole = {path: _Route(shortcut) for path, shortcut in shortcuts.whole.items()}
        self._by_part = {path: _Route(shortcut) for path, shortcut in shortcuts.by_part.items()}
        self._by_query = {path: _Route(shortcut) for path, shortcut in shortcuts.by_query.items()}
        self._note = note
        self._sample = sample
        self.posts = HotPost(ring, shortcuts.told, note, sample)

    def answer(self, url: bytes, fields: Fields) -> Sent | None:
        """Give the answer to a GET; None where it has to go the long way.

        Args:
            url: As it stands in the request.
            fields: The header's, their names in lower case.
        """
        begun = perf_counter()
        hit = self._find(url, fields)
        if hit is None:
            return None
        heads = hit.answer.heads_at(hit.reading)
        is_known = hit.known is not None and etag_matches(hit.known.decode("latin-1"), hit.answer.etag)
        status, body = (_NOT_MODIFIED, b"") if is_known else (_OK, hit.answer.body)
        seconds = perf_counter() - begun
        self._note(hit.route, "GET", status, seconds)
        line = Line(hit.caller, "GET", hit.route, hit.reading.is_stale, hit.request_id)
        tell_some(self._sample, line, status, seconds, len(body))
        return sent(status, heads.not_modified if is_known else heads.ok, hit.request_id, body)

    def _find(self, url: bytes, fields: Fields) -> _Hit | None:
        found = self._match(url)
        given = heeded(url, fields, _HEEDED, 4) if found is not None else None
        if found is None or given is None:
            return None
        route, argument = found
        caller = self._caller(given[_KEY])
        reading = route.cached.glance() if caller is not None else None
        if caller is None or reading is None:
            return None
        answer = route.answer(reading.value, argument, _coding(given[_ACCEPTED]))
        if answer is None:
            return None
        route.cached.note(reading)
        return _Hit(route.name, caller, reading, answer, given[_KNOWN], usable_id(given[_ID] or b""))

    def _match(self, url: bytes) -> tuple[_Route[Any], str] | None:
        raw, mark, query = url.partition(b"?")
        path = _unquoted(raw)
        if path is None:
            return None
        if not mark:
            if (route := self._whole.get(path)) is not None:
                return route, ""
            before, _, last = path.rpartition("/")
            route = self._by_part.get(before)
            return (route, last) if route is not None else None
        route = self._by_query.get(path)
        argument = only_q(query) if route is not None else None
        return None if route is None or argument is None else (route, argument)

    def _caller(self, key: bytes | None) -> str | None:
        """Give the name of a caller who may read, as figures and logs have it."""
        if self._ring is None:
            return "anonymous"
        caller = self._ring.find(key) if key is not None else None
        return caller.name if caller is not None and caller.may_read else None


def _unquoted(path: bytes) -> str | None:
    """Read a path as uvicorn does; None where that may read it otherwise."""
    if not path.isascii() or b"#" in path:
        return None
    text = path.decode()
    return unquote(text) if "%" in text else text


def only_q(query: bytes) -> str | None:
    """Give the text of a query that is `q` and nothing else; None where it is not, or cannot be read."""
    if not query.startswith(b"q=") or any(mark in query for mark in (b"&", b";", b"#")):
        return None
    try:
        return unquote_to_bytes(query[2:].replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        return None


def _coding(accepted: bytes | None) -> str:
    return choose_coding(accepted.decode("latin-1")) if accepted else IDENTITY
