"""The short way of what is told by POST and answered out of memory, once the body has come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from time import perf_counter
from typing import Final, NamedTuple

from msgspec import Struct

from wisphub_api.api_keys import Caller
from wisphub_api.cache.slot import Reading
from wisphub_api.web.auth import anonymous
from wisphub_api.web.cache_status import freshness_headers
from wisphub_api.web.current import CURRENT, CurrentRequest, usable_id
from wisphub_api.web.current import HEADER as REQUEST_ID
from wisphub_api.web.keys import KeyRing
from wisphub_api.web.request_metrics import Note
from wisphub_api.web.short_answers import OTHER, Fields, Line, Sent, head_of, heeded, sent, tell_some

MOST_BODY_BYTES: Final = 2_048
JSON: Final = b"application/json"
_KEY, _ID, _TYPE, _LENGTH, _FORWARDED = range(5)
_HEEDED: Final[Mapping[bytes, int]] = {
    b"x-api-key": _KEY,
    REQUEST_ID: _ID,
    b"content-type": _TYPE,
    b"content-length": _LENGTH,
    b"cache-control": OTHER,
    b"content-encoding": OTHER,
    b"expect": OTHER,
    b"origin": OTHER,
    b"transfer-encoding": OTHER,
    b"upgrade": OTHER,
    b"x-forwarded-for": _FORWARDED,
}


class PostShortcut(Struct, frozen=True):
    """A route that answers at once what it is told by POST.

    Attributes:
        route: As it is declared.
        before: Its path before its one argument.
        scope: What a key must be allowed to do.
        answer: Gives the JSON for an argument, a body and a caller; None where the long way has to answer, of
            which nothing has been done then.
    """

    route: str
    before: str
    scope: str
    answer: Callable[[str, bytes, Caller], Reading[bytes] | None]


class Asked(NamedTuple):
    """A request whose body is still to come, of at most `MOST_BODY_BYTES`."""

    shortcut: PostShortcut
    argument: str
    caller: Caller
    request_id: str
    begun: float


class HotPost:
    """Answers requests that tell something.

    Args:
        ring: The known keys; None lets everyone in.
        shortcuts: The routes, by the last part of their path.
        note: Is told of each answer.
        sample: The part of the answers that have a line in the log, from 0 to 1.
    """

    def __init__(
        self, ring: KeyRing | None, shortcuts: Mapping[str, PostShortcut], note: Note, sample: float
    ) -> None:
        self._ring = ring
        self._shortcuts = shortcuts
        self._note = note
        self._sample = sample
        self._moment: tuple[int, int] | None = None
        self._heads: dict[tuple[str, int], bytes] = {}

    def asked(self, url: bytes, fields: Fields, client: tuple[str, int] | None) -> Asked | None:
        """Tell what is asked, before the body has come; None where it has to go the long way.

        Args:
            url: As it stands in the request.
            fields: The header's, their names in lower case.
            client: The address that asks.
        """
        begun = perf_counter()
        if not url.isascii():
            return None
        rest, _, last = url.decode().rpartition("/")
        shortcut = self._shortcuts.get(last)
        given = heeded(url, fields, _HEEDED, 5) if shortcut is not None else None
        if shortcut is None or given is None or not _is_short_json(given):
            return None
        before, _, argument = rest.rpartition("/")
        caller = self._caller(client, given) if before == shortcut.before else None
        if caller is None or not caller.may(shortcut.scope):
            return None
        return Asked(shortcut, argument, caller, usable_id(given[_ID] or b""), begun)

    def answer(self, asked: Asked, body: bytes) -> Sent | None:
        """Give the answer; None where it has to go the long way."""
        shortcut, caller = asked.shortcut, asked.caller
        current = CURRENT.set(CurrentRequest(asked.request_id))
        try:
            reading = shortcut.answer(asked.argument, body, caller)
        finally:
            CURRENT.reset(current)
        if reading is None:
            return None
        told = reading.value
        seconds = perf_counter() - asked.begun
        self._note(shortcut.route, "POST", HTTPStatus.OK.value, seconds)
        name = caller.name.partition("@")[0]  # less the address of those without a key
        line = Line(name, "POST", shortcut.route, reading.is_stale, asked.request_id)
        tell_some(self._sample, line, HTTPStatus.OK.value, seconds, len(told))
        return sent(HTTPStatus.OK.value, self._head(shortcut.route, reading), asked.request_id, told)

    def _head(self, route: str, reading: Reading[bytes]) -> bytes:
        """Give the head; it changes when a second has gone by, and with the size of what is told."""
        moment = (int(reading.age_s), int(reading.ttl_s // 1))
        if moment != self._moment:
            self._moment, self._heads = moment, {}
        size = len(reading.value)
        head = self._heads.get((route, size))
        if head is None:
            content = {"Content-Type": JSON.decode(), "Content-Length": str(size)}
            head = self._heads[route, size] = head_of(freshness_headers(reading) | content)
        return head

    def _caller(self, client: tuple[str, int] | None, given: list[bytes | None]) -> Caller | None:
        """Tell who asks; None for nobody who is known, or whose address a proxy has to be believed."""
        key = given[_KEY]
        if self._ring is not None:
            return self._ring.find(key) if key is not None else None
        return anonymous(client) if given[_FORWARDED] is None else None


def _is_short_json(given: list[bytes | None]) -> bool:
    length = given[_LENGTH]
    is_short = length is not None and length.isdigit() and 0 < int(length) <= MOST_BODY_BYTES
    return is_short and given[_TYPE] in (None, JSON)
