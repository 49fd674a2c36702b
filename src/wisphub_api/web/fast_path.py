"""The fast path: what is in memory is answered before there is a task, a router or an ASGI message.

The server's protocol (`BoundedHttp`) asks it first. A request passes the same rules as by the router: fields
(`fields`), host, key and scope (`admission`), query (`query`), freshness (`cache_control`), conditional
requests and header fields (`cache_status`, `security_headers`), rate limit (`rate_limit`), and is recorded
the same (`request_log`, `telemetry`). Only where the answer comes from differs:

    request -> a route of the fast path? -> may it? -> in memory? -> within the rate limit? -> answer
                  | no                       | no         | no           | no, or not known
                  +--------------------------+------------+--------------+--> the router

So the fast path refuses nothing by itself, and no setting switches it off. To the router goes what it cannot
know: a request from another page's script where CORS is set (`Origin`), one whose caller a proxy names where
no key is asked for, and one whose rate limit is shared and has no block left, which is each where the limit
is below 200. The rate limit comes last, as it is the only rule that counts: what goes to the router
afterwards would be counted twice. A check of an identity is counted, too; once it is begun it is answered
here, with an error where that is the answer. Where its counts are shared it has to wait for them: then a
coroutine is returned, and the protocol gives it a task.

Which routes there are is declared by their handlers: `opt=in_memory(...)`, `opt=checked(...)`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from functools import lru_cache
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from litestar import Litestar
from litestar.routes import HTTPRoute
from msgspec import Struct

from wisphub_api.api_keys import Caller
from wisphub_api.cache.answers import Answers, Question
from wisphub_api.cache.cached import Cached
from wisphub_api.cache.codings import IDENTITY, choose_coding
from wisphub_api.cache.representation import Representation
from wisphub_api.cache.slot import Reading
from wisphub_api.cache.wish import ANY, Wish
from wisphub_api.exceptions import RequestError
from wisphub_api.web.parameters import MOST, declared
from wisphub_api.web.problems import RawAnswer, problem_answer
from wisphub_api.web.rules.admission import Address, Admission, required_scope
from wisphub_api.web.rules.cache_control import freshness_of
from wisphub_api.web.rules.cache_status import VARY, age_headers, etag_matches, representation_headers
from wisphub_api.web.rules.current import CURRENT, CurrentRequest, usable_id
from wisphub_api.web.rules.fields import (
    ACCEPT_ENCODING,
    CACHE_CONTROL,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    FORWARDED_FOR,
    IF_NONE_MATCH,
    ORIGIN,
    REQUEST_ID,
    TRACEPARENT,
    UNUSUAL,
    Given,
    RawFields,
    excess,
    read_fields,
)
from wisphub_api.web.rules.query import read_query
from wisphub_api.web.rules.rate_limit import Quota
from wisphub_api.web.rules.security_headers import DATA_HEADERS
from wisphub_api.web.telemetry.recorder import Telemetry
from wisphub_api.web.telemetry.request_log import CacheOutcome, Exchange, caller_label

if TYPE_CHECKING:
    from wisphub_api.web.telemetry.tracing import Trace

FAST_PATH: Final = "fast_path"
"""Where an application's state has it."""
FAST: Final = "fast"
"""The `opt` of a handler that says how its answer is found in memory."""
REMEMBERED: Final = 4_096
"""Targets whose meaning is remembered: at most 3 MB, with `MAX_REMEMBERED_BYTES` of each."""
MAX_REMEMBERED_BYTES: Final = 256
MAX_BODY_BYTES: Final = 2_048
"""A larger body goes to the router."""
JSON: Final = b"application/json"
_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,14}")
_STATUS_LINES: Final = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus
}
_OK: Final = HTTPStatus.OK.value
_NOT_MODIFIED: Final = HTTPStatus.NOT_MODIFIED.value


class Lookup(Struct, frozen=True):
    """How a GET is answered from a cached value.

    Attributes:
        source: The name of the cache.
        name: Of the question, for the memory of answers.
        find: Returns the answer; None where the router has to answer, or to refuse.
    """

    source: str
    name: str
    find: Callable[[Any, Question], Representation | None]


Ready = Callable[[], Reading[bytes] | Coroutine[Any, Any, Reading[bytes]]]
"""Returns an answer, or what is to be awaited for it; raises the error that is the answer."""
Prepare = Callable[[Any, str, bytes, Caller, Wish], Ready | None]


class Check(Struct, frozen=True):
    """How a POST is answered that only says something.

    Attributes:
        source: The name of the service.
        prepare: Reads an argument and a body, and returns what answers them from memory; None where the
            router has to answer.
    """

    source: str
    prepare: Prepare


def in_memory(
    source: str, name: str, find: Callable[[Any, Question], Representation | None]
) -> dict[str, Any]:
    """Return the `opt` of a handler whose answer the fast path finds in a cached value."""
    return {FAST: Lookup(source, name, find)}


def checked(source: str, prepare: Prepare) -> dict[str, Any]:
    """Return the `opt` of a handler that the fast path calls a service for."""
    return {FAST: Check(source, prepare)}


def whole(text: str) -> int | None:
    """Return a whole number as a canonical text has it; None for any other, which the router looks at."""
    return int(text) if _WHOLE.fullmatch(text) else None


class Answer(NamedTuple):
    """What is to be sent: status line, header fields, each with its line's end, and body."""

    status: bytes
    fields: bytes
    body: bytes

    def raw(self) -> RawAnswer:
        """Return it as ASGI sends it."""
        lines = self.fields.split(b"\r\n")[:-1]
        pairs = (line.split(b": ", 1) for line in lines)
        return RawAnswer(int(self.status.split()[1]), [(name, value) for name, value in pairs], self.body)


class _AgeFields:
    """Encodes the fields that change with time, once a second."""

    def __init__(self) -> None:
        self._moment: tuple[int, int] | None = None
        self._encoded = b""

    def fields(self, reading: Reading[Any]) -> bytes:
        """Return the fields of a value that is in memory."""
        moment = (int(reading.age_s), int(reading.ttl_s // 1))
        if moment != self._moment:
            self._moment, self._encoded = moment, _encode(age_headers(reading))
        return self._encoded


class _Route(Struct, frozen=True):
    """A GET route of the fast path."""

    template: str
    names: tuple[str, ...]
    lookup: Lookup
    cached: Cached[Any]
    age: _AgeFields


class _CheckRoute(Struct, frozen=True):
    """A POST route of the fast path."""

    template: str
    before: str
    scope: str
    check: Check
    service: Any
    age: _AgeFields


class Routes(Struct, frozen=True):
    """The routes of the fast path.

    Attributes:
        whole: Those without an argument, by their path.
        by_part: Those whose argument is the last part of the path, by the path before it.
        checks: Those of POST, by the last part of their path.
    """

    whole: Mapping[str, _Route]
    by_part: Mapping[str, _Route]
    checks: Mapping[str, _CheckRoute]


def routes_of(app: Litestar, sources: Mapping[str, Any]) -> Routes:
    """Return the routes that an application's handlers declare.

    Args:
        app: The application.
        sources: The caches and services, by the names that handlers use.
    """
    whole_paths: dict[str, _Route] = {}
    by_part: dict[str, _Route] = {}
    checks: dict[str, _CheckRoute] = {}
    for route in (route for route in app.routes if isinstance(route, HTTPRoute)):
        template = route.path_format
        for handler in (handler for handler in route.route_handlers if FAST in handler.opt):
            way = handler.opt[FAST]
            before, _, last = template.rpartition("/")
            if isinstance(way, Check):
                scope = required_scope("POST", handler.opt)
                path = before.rpartition("/")[0]
                checks[last] = _CheckRoute(template, path, scope, way, sources[way.source], _AgeFields())
                continue
            found = _Route(template, declared(handler).query, way, sources[way.source], _AgeFields())
            if last.startswith("{"):
                by_part[before] = found
            else:
                whole_paths[template] = whole_paths[f"{template}/"] = found
    return Routes(whole_paths, by_part, checks)


class Begun(NamedTuple):
    """A POST whose body is still to come, of at most `MAX_BODY_BYTES`."""

    route: _CheckRoute
    argument: str
    caller: Caller
    wish: Wish
    given: Given
    began: float


class _Hit(NamedTuple):
    """What answers a GET."""

    route: _Route
    given: Given
    caller: Caller
    reading: Reading[Any]
    answer: Representation
    coding: str
    body: bytes
    quota: Quota | None


class _UnderWay(NamedTuple):
    """A check that is being answered, and its trace; None where there are no traces."""

    begun: Begun
    current: CurrentRequest
    trace: Trace | None


class FastPath:
    """Answers what is in memory.

    Args:
        routes: The routes.
        admission: Decides who may ask.
        telemetry: Records each request.
        answers: Keeps answers.
        has_cors: Whether the router has something to say to a request with an `Origin`.
    """

    def __init__(
        self, routes: Routes, admission: Admission, telemetry: Telemetry, answers: Answers, *, has_cors: bool
    ) -> None:
        self._routes = routes
        self._admission = admission
        self._telemetry = telemetry
        self._answers = answers
        self._has_cors = has_cors
        self._remembered = lru_cache(REMEMBERED)(self._resolve)

    def get(self, method: str, target: bytes, fields: RawFields, client: Address) -> Answer | None:
        """Return the answer to a GET or HEAD; None where the router has to answer.

        Args:
            method: "GET" or "HEAD".
            target: As it stands in the request.
            fields: The header's, their names in lower case.
            client: The address that the request comes from.
        """
        began = perf_counter()
        hit = self._hit(target, fields, client)
        if hit is None:
            return None
        ok, not_modified = hit.answer.encoded.get(hit.coding) or _encode_answer(hit)
        is_known = _is_known(hit)
        status, about, body = (_NOT_MODIFIED, not_modified, b"") if is_known else (_OK, ok, hit.body)
        current = CurrentRequest(usable_id(hit.given[REQUEST_ID]))
        elapsed_s = perf_counter() - began
        cache: CacheOutcome = "stale" if hit.reading.is_stale else "hit"
        name, template = caller_label(hit.caller.name), hit.route.template
        exchange = Exchange(method, template, status, name, cache, elapsed_s, elapsed_s, len(body), current)
        self._record(exchange, hit.given)
        head = hit.route.age.fields(hit.reading) + about + self._own_fields(current, hit.quota)
        return Answer(_STATUS_LINES[status], head, b"" if method == "HEAD" else body)

    def _hit(self, target: bytes, fields: RawFields, client: Address) -> _Hit | None:
        """Return what answers a request, which has then been counted; None where the router has to answer."""
        found = self._remembered(target) if len(target) <= MAX_REMEMBERED_BYTES else self._resolve(target)
        given = _read(target, fields) if found is not None else None
        if found is None or given is None or given[CONTENT_LENGTH] is not None:
            return None
        caller = self._admit(given, client, "read")
        route, question = found
        reading = route.cached.peek(_wish(given)) if caller is not None else None
        if caller is None or reading is None:
            return None
        answer = self._find(route, question, reading)
        coding = IDENTITY if answer is None or answer.forms is None else _coding(given)
        body = None if answer is None else _body(answer, coding)
        if answer is None or body is None:
            return None
        quota = None
        if (rate := self._admission.rate) is not None:
            quota = rate.take_now(caller.name)
            if quota is None or not quota.is_granted:
                return None
        route.cached.count(reading)
        return _Hit(route, given, caller, reading, answer, coding, body, quota)

    def begin(self, target: bytes, fields: RawFields, client: Address) -> Begun | None:
        """Return what a POST asks for, before its body has come; None where the router has to answer."""
        began = perf_counter()
        if not target.isascii():
            return None
        rest, _, last = target.decode().rpartition("/")
        route = self._routes.checks.get(last)
        before, _, argument = rest.rpartition("/")
        if route is None or before != route.before:
            return None
        given = _read(target, fields)
        if given is None or not _is_short_json(given):
            return None
        caller = self._admit(given, client, route.scope)
        return None if caller is None else Begun(route, argument, caller, _wish(given), given, began)

    def finish(self, begun: Begun, body: bytes) -> Answer | Coroutine[Any, Any, Answer] | None:
        """Return the answer to a POST, or what is to be awaited for it; None where the router has to answer.

        Args:
            begun: What `begin` has returned.
            body: The whole of it.
        """
        route, caller = begun.route, begun.caller
        ready = route.check.prepare(route.service, begun.argument, body, caller, begun.wish)
        quota = None
        if ready is not None and (rate := self._admission.rate) is not None:
            quota = rate.take_now(caller.name)
            ready = ready if quota is not None and quota.is_granted else None
        if ready is None:
            return None
        current = CurrentRequest(usable_id(begun.given[REQUEST_ID]), quota=quota)
        check = _UnderWay(
            begun, current, self._telemetry.begin_trace(begun.given[TRACEPARENT], "POST", current)
        )
        token = CURRENT.set(current)
        try:
            found = ready()
        except Exception as error:  # noqa: BLE001  # it may have been counted: the router would count it again
            return self._refused(check, error)
        finally:
            CURRENT.reset(token)
        return self._checked(check, found) if isinstance(found, Reading) else self._wait(check, found)

    async def _wait(self, check: _UnderWay, answer: Coroutine[Any, Any, Reading[bytes]]) -> Answer:
        token = CURRENT.set(check.current)
        try:
            return self._checked(check, await answer)
        except asyncio.CancelledError:
            self._record_check(check, HTTPStatus.INTERNAL_SERVER_ERROR.value, None, 0)
            raise
        except Exception as error:  # noqa: BLE001  # as for the router, any is answered
            return self._refused(check, error)
        finally:
            CURRENT.reset(token)

    def _checked(self, check: _UnderWay, found: Reading[bytes]) -> Answer:
        """Return the answer to a check, and record it."""
        body = found.value
        self._record_check(check, _OK, "stale" if found.is_stale else "hit", len(body))
        length = b"content-length: %d\r\n" % len(body)
        own = self._own_fields(check.current, check.current.quota)
        age = check.begun.route.age.fields(found)
        return Answer(_STATUS_LINES[_OK], age + _CHECK_FIELDS + length + own, body)

    def _refused(self, check: _UnderWay, error: Exception) -> Answer:
        status, about, body = problem_answer(error)
        self._record_check(check, status, None, len(body))
        own = self._own_fields(check.current, check.current.quota)
        return Answer(_STATUS_LINES[status], _lines([*about, *DATA_HEADERS]) + own, body)

    def _record_check(self, check: _UnderWay, status: int, cache: CacheOutcome | None, size: int) -> None:
        begun, current, trace = check
        elapsed_s = perf_counter() - begun.began
        name, template = caller_label(begun.caller.name), begun.route.template
        exchange = Exchange("POST", template, status, name, cache, elapsed_s, elapsed_s, size, current)
        self._telemetry.record(exchange, trace)

    def _resolve(self, target: bytes) -> tuple[_Route, Question] | None:
        """Return what a target asks for; None where the router has to answer."""
        raw, _, query = target.partition(b"?")
        found = None if b"#" in target else self._match(raw)
        if found is None:
            return None
        route, text = found
        question = _question(route, text, query)
        return None if question is None else (route, question)

    def _match(self, raw: bytes) -> tuple[_Route, str] | None:
        """Return the route of a path, and its argument."""
        path = _unquoted(raw)
        if path is None:
            return None
        route = self._routes.whole.get(path)
        if route is not None:
            return route, ""
        before, _, last = path.rpartition("/")
        route = self._routes.by_part.get(before)
        return (route, last) if route is not None and last else None

    def _admit(self, given: Given, client: Address, scope: str) -> Caller | None:
        """Return the caller; None where the router has to look closer, or to refuse."""
        admission = self._admission
        if self._has_cors and given[ORIGIN] is not None:
            return None
        if admission.is_open and given[FORWARDED_FOR] is not None:
            return None  # whether a proxy's word for an address is taken is the server's business
        try:
            admission.check_host(given)
            return admission.identify(given, client, scope)
        except RequestError:
            return None

    def _find(self, route: _Route, question: Question, reading: Reading[Any]) -> Representation | None:
        answer = self._answers.get(question, reading.version)
        if answer is None:
            answer = route.lookup.find(reading.value, question)
            if answer is not None and answer.forms is None:  # what is kept anyhow need not be kept twice
                self._answers.put(question, reading.version, answer)
        return answer

    def _record(self, exchange: Exchange, given: Given) -> None:
        tracing = self._telemetry.tracing
        if tracing is not None:
            tracing.record(given[TRACEPARENT], exchange)
        self._telemetry.record(exchange)

    def _own_fields(self, current: CurrentRequest, quota: Quota | None) -> bytes:
        own = b"x-request-id: %b\r\n" % current.request_id.encode()
        rate = self._admission.rate
        if rate is None or quota is None:
            return own
        return b"%bratelimit: %b\r\n%b" % (rate.policy_line, quota.field(), own)


def _read(target: bytes, fields: RawFields) -> Given | None:
    """Return the fields that bear on an answer; None where the router has to look closer, or to refuse."""
    given, size = read_fields(fields)
    is_usual = given[UNUSUAL] is None and excess(len(target), len(fields), size) is None
    return given if is_usual else None


def _unquoted(path: bytes) -> str | None:
    """Return a path as uvicorn reads it; None where that may read it otherwise."""
    if not path.isascii():
        return None
    text = path.decode()
    return unquote(text) if "%" in text else text


def _question(route: _Route, text: str, query: bytes) -> Question | None:
    """Return what is asked; None where the router has to refuse it."""
    name = route.lookup.name
    if not query:
        return Question(name, text)
    try:
        given = read_query(query, route.names)
    except RequestError:
        return None
    limit = whole(given["limit"]) if "limit" in given else None
    offset = whole(given.get("offset", "0"))
    if ("limit" in given and not limit) or offset is None or max(limit or 1, offset) > MOST:
        return None
    return Question(name, given.get("q", text), limit, offset)


def _wish(given: Given) -> Wish:
    field = given[CACHE_CONTROL]
    return ANY if field is None else freshness_of(field.decode("latin-1"))


def _coding(given: Given) -> str:
    accepted = given[ACCEPT_ENCODING]
    return choose_coding(accepted.decode("latin-1")) if accepted else IDENTITY


def _body(answer: Representation, coding: str) -> bytes | None:
    """Return the body in a coding; None where that has not been made yet."""
    if answer.forms is None or coding == IDENTITY:
        return answer.body
    return answer.forms.ready(coding)


def _is_known(hit: _Hit) -> bool:
    """Return whether the consumer has the answer already."""
    known = hit.given[IF_NONE_MATCH]
    return known is not None and etag_matches(known.decode("latin-1"), hit.answer.tag(hit.coding))


def _encode_answer(hit: _Hit) -> tuple[bytes, bytes]:
    """Encode, and keep, the fields of an answer: of 200, and of 304."""
    about = representation_headers(hit.answer, hit.coding)
    known = {name: value for name, value in about.items() if name != "Content-Encoding"}
    security = _lines(DATA_HEADERS)
    encoded = _encode(about) + _lines(_content(JSON, hit.body)) + security, _encode(known) + security
    hit.answer.encoded[hit.coding] = encoded
    return encoded


def _content(media_type: bytes, body: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", media_type), (b"content-length", b"%d" % len(body))]


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _encode(headers: Mapping[str, str]) -> bytes:
    return _lines(_raw(headers))


def _lines(fields: RawFields) -> bytes:
    return b"".join([b"%b: %b\r\n" % field for field in fields])


_CHECK_FIELDS: Final = _lines([(b"vary", VARY.encode()), (b"content-type", JSON), *DATA_HEADERS])


def _is_short_json(given: Given) -> bool:
    length = given[CONTENT_LENGTH]
    is_short = length is not None and length.isdigit() and 0 < int(length) <= MAX_BODY_BYTES
    return is_short and given[CONTENT_TYPE] in (None, JSON)
