"""An application, and what it answers by its short way and by its long one."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import unquote

from litestar import Litestar
from prometheus_client.parser import text_string_to_metric_families

from wisphub_api.app import create_app
from wisphub_api.settings import Settings
from wisphub_api.web.hot_path import SHORT_WAY, HotPath

CLIENT = ("127.0.0.1", 1)
READER, VERIFIER = "a-reader", "a-verifier"
WHOLE = ["/api/v1/clients/", "/api/v1/internet-plans/", "/api/v1/payment-methods/"]
COUNTED = {
    "wisphub_http_requests_total",
    "wisphub_http_request_duration_seconds_count",
    "wisphub_cache_answers_total",
    "wisphub_identity_checks_total",
}
Fields = list[tuple[bytes, bytes]]


def grown(before: Mapping[Any, float], after: Mapping[Any, float]) -> dict[Any, float]:
    """Tell by how much each count has grown, where it has."""
    return {name: more for name, count in after.items() if (more := count - before.get(name, 0))}


class Told(NamedTuple):
    """An answer, but for its request id where that was made for it."""

    status: int
    fields: Fields
    has_own_id: bool
    body: bytes


class Both:
    """An application, and what it answers by either way."""

    def __init__(self, app: Litestar) -> None:
        self._app = app
        self.hot: HotPath = app.state[SHORT_WAY]
        self.short_answers = 0

    async def short(self, method: str, raw: bytes, fields: Fields, body: bytes = b"") -> Told | None:
        """Ask the short way, as the protocol does."""
        sent = None
        if method == "GET":
            sent = self.hot.answer(raw, fields)
        elif method == "POST" and (asked := self.hot.posts.asked(raw, fields, CLIENT)) is not None:
            sent = self.hot.posts.answer(asked, body)
        if sent is None:
            return None
        self.short_answers += 1
        status = int(sent.status.split()[1])
        told = [tuple(line.split(b": ", 1)) for line in sent.head.split(b"\r\n")]
        return told_of(status, told, sent.body, fields)  # type: ignore[arg-type]

    async def long(self, method: str, raw: bytes, fields: Fields, body: bytes = b"") -> Told:
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
        page = (await self.long("GET", b"/metrics", [])).body.decode()
        samples = (each for family in text_string_to_metric_families(page) for each in family.samples)
        return {
            (each.name, frozenset(each.labels.items())): each.value
            for each in samples
            if each.name in COUNTED and each.labels.get("route") != "/metrics"
        }

    async def compare(self, method: str, raw: bytes, fields: Fields, body: bytes = b"") -> Told:
        """Ask both ways, again where a second has gone by in between; give the answer, which counts once."""
        before = self.short_answers
        for _ in range(20):
            self.short_answers = before
            short = await self.short(method, raw, fields, body)
            long = await self.long(method, raw, fields, body)
            if short in (long, None):
                break
        assert short in (long, None)
        return long


def scope_of(method: str, raw: bytes, fields: Fields) -> Any:
    path, _, query = raw.partition(b"?")
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
    others = [field for field in told if field[0] != b"x-request-id"]
    return Told(status, others, (b"x-request-id", request_id) in asked, body)


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
        both = Both(app)
        for path in WHOLE:
            await both.long("GET", path.encode(), [key()])
        return may_close, holding

    async def close(may_close: asyncio.Event, holding: asyncio.Task[None]) -> None:
        may_close.set()
        await holding

    may_close, holding = runner.run(open_warm())
    yield app
    runner.run(close(may_close, holding))
