"""An application, and what it answers by its fast path and by its router."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import unquote

from litestar import Litestar
from prometheus_client.parser import text_string_to_metric_families

from wisphub_api.app import create_app
from wisphub_api.settings import Settings
from wisphub_api.web.fast_path import FAST_PATH, Answer, FastPath

CLIENT = ("127.0.0.1", 1)
READER, VERIFIER = "a-reader", "a-verifier"
WHOLE = ["/api/v1/clients/", "/api/v1/internet-plans/", "/api/v1/payment-methods/"]
ANSWERED = [
    *WHOLE,
    "/api/v1/clients",
    "/api/v1/clients/?limit=2&offset=1",
    "/api/v1/clients/by-service-id/7",
    "/api/v1/clients/by-document/34567890",
    "/api/v1/clients/by-phone/3104567890",
    "/api/v1/clients/search?q=esperanza",
    "/api/v1/clients/search?q=an&limit=1",
    "/api/v1/internet-plans/11",
    "/api/v1/payment-methods/?offset=1",
]
"""What the fast path answers."""
COUNTED = {
    "wisphub_http_requests_total",
    "wisphub_http_request_duration_seconds_count",
    "wisphub_cache_answers_total",
    "wisphub_identity_checks_total",
}
Fields = list[tuple[bytes, bytes]]
HOST = (b"host", b"service")


def grown(before: Mapping[Any, float], after: Mapping[Any, float]) -> dict[Any, float]:
    """Tell by how much each count has grown, where it has."""
    return {name: more for name, count in after.items() if (more := count - before.get(name, 0))}


class Told(NamedTuple):
    """An answer, but for its request id where that was made for it, and for what is left of a rate limit."""

    status: int
    fields: Fields
    has_own_id: bool
    body: bytes


class Both:
    """An application, and what it answers by either way.

    Attributes:
        fast_answers: How many the fast path has given.
    """

    def __init__(self, app: Litestar, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self.fast_path: FastPath = app.state[FAST_PATH]
        self.fast_answers = 0

    async def fast(self, method: str, raw: bytes, fields: Fields, body: bytes = b"") -> Told | None:
        """Ask the fast path, as the protocol does."""
        found: Any = None
        if method in ("GET", "HEAD"):
            found = self.fast_path.get(method, raw, fields, CLIENT)
        elif method == "POST" and (begun := self.fast_path.begin(raw, fields, CLIENT)) is not None:
            found = self.fast_path.finish(begun, body)
        if found is None:
            return None
        self.fast_answers += 1
        answer = (found if isinstance(found, Answer) else await found).raw()
        return told_of(answer.status, answer.fields, answer.body, fields)

    async def router(self, method: str, raw: bytes, fields: Fields, body: bytes = b"") -> Told:
        """Ask the application, as uvicorn does."""
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        await self._app(scope_of(method, raw, fields), receive, send)
        start, *bodies = sent
        return told_of(start["status"], start["headers"], b"".join(each["body"] for each in bodies), fields)

    async def counted(self) -> Mapping[Any, float]:
        """Give what the page of figures counts, by name and labels, less what asks for the page itself."""
        page = (await self.router("GET", b"/metrics", [])).body.decode()
        samples = (each for family in text_string_to_metric_families(page) for each in family.samples)
        return {
            (each.name, frozenset(each.labels.items())): each.value
            for each in samples
            if each.name in COUNTED and each.labels.get("route") != "/metrics"
        }

    async def compare(self, method: str, raw: bytes, fields: Fields, body: bytes = b"") -> Told:
        """Ask both ways, again where a second has gone by in between; give the answer, which counts once.

        Where the router answers at once from memory, the fast path must answer, at the latest when it is
        asked again: what takes long to make, such as a compressed list, the router makes.
        """
        before = self.fast_answers
        for _ in range(20):
            self.fast_answers = before
            fast = await self.fast(method, raw, fields, body)
            router = await self.router(method, raw, fields, body)
            expected = router if self.is_for_the_fast_path(method, raw, fields, router) else None
            if fast in (router, expected):
                break
        assert fast in (router, expected)
        return router

    def is_for_the_fast_path(self, method: str, raw: bytes, fields: Fields, answer: Told) -> bool:
        """Tell whether the fast path has to answer what the router has answered so."""
        is_read = method in ("GET", "HEAD") and FAST.fullmatch(raw) is not None
        is_check = method == "POST" and CHECK.fullmatch(raw) is not None
        names = {name for name, _ in fields}
        is_known = answer.status in ((200, 304) if is_read else (200, 404, 429))
        is_usual = not names & UNUSUAL and not (names & {b"origin"} and self._settings.cors_origins)
        is_named = bool(self._settings.api_keys) or b"x-forwarded-for" not in names
        has_waited = any(b"; fwd=" in value for name, value in answer.fields if name == b"cache-status")
        kinds = [value for name, value in fields if name == b"content-type"]
        is_short = (
            max((int(value) for name, value in fields if name == b"content-length"), default=0) <= 2_048
        )
        is_plain = is_short and (
            kinds in ([], [b"application/json"]) if is_check else b"content-length" not in names
        )
        return (is_read or is_check) and is_known and is_usual and is_named and is_plain and not has_waited


FAST = re.compile(
    rb"/api/v1/(clients/?|internet-plans/?|payment-methods/?|clients/search|clients/by-(document|phone)/[^/?#]+"
    rb"|(clients/by-service-id|internet-plans)/(0|[1-9]\d{0,14}))(\?[^#]*)?"
)
"""What the fast path answers, as a path that uvicorn takes; spelled out here, and nowhere in the service."""
CHECK = re.compile(rb"/api/v1/clients/(0|[1-9]\d{0,14})/verify")
UNUSUAL = {b"expect", b"transfer-encoding", b"upgrade", b"content-encoding"}


def scope_of(method: str, raw: bytes, fields: Fields) -> Any:
    path, _, query = raw.partition(b"#")[0].partition(b"?")
    return {
        "type": "http",
        "method": method,
        "path": unquote(path.decode("latin-1")),
        "raw_path": path,
        "query_string": query,
        "headers": fields,
        "client": CLIENT,
        "server": ("service", 80),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
        "state": {},
    }


def told_of(status: int, told: Fields, body: bytes, asked: Fields) -> Told:
    (request_id,) = (value for name, value in told if name == b"x-request-id")
    others = [
        (name, re.sub(rb"r=\d+", b"r=", value) if name == b"ratelimit" else value)
        for name, value in told
        if name != b"x-request-id"
    ]
    return Told(status, sorted(others), (b"x-request-id", request_id) in asked, body)


def key(value: str = READER) -> tuple[bytes, bytes]:
    return b"x-api-key", value.encode()


@contextmanager
def running(runner: asyncio.Runner, settings: Settings) -> Iterator[Litestar]:
    """Run a warm application; its loop runs while it is asked."""
    app = create_app(settings)

    async def hold(is_open: asyncio.Event, may_close: asyncio.Event) -> None:
        async with app.lifespan():  # entered and left by one task, as it must be
            is_open.set()
            await may_close.wait()

    async def open_warm() -> tuple[asyncio.Event, asyncio.Task[None]]:
        is_open, may_close = asyncio.Event(), asyncio.Event()
        holding = asyncio.create_task(hold(is_open, may_close))
        await is_open.wait()
        both = Both(app, settings)
        for path in WHOLE:
            await both.router("GET", path.encode(), [key(), HOST])
        return may_close, holding

    async def close(may_close: asyncio.Event, holding: asyncio.Task[None]) -> None:
        may_close.set()
        await holding

    may_close, holding = runner.run(open_warm())
    yield app
    runner.run(close(may_close, holding))
