"""An application, and what it answers by its short way and by its long one."""

from typing import Any, NamedTuple
from urllib.parse import unquote

from litestar import Litestar

from wisphub_api.web.hot_path import SHORT_WAY, HotPath

CLIENT = ("127.0.0.1", 1)
READER, VERIFIER = "a-reader", "a-verifier"
WHOLE = ["/api/v1/clients/", "/api/v1/internet-plans/", "/api/v1/payment-methods/"]
Fields = list[tuple[bytes, bytes]]


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

    async def compare(self, method: str, raw: bytes, fields: Fields, body: bytes = b"") -> Told:
        """Ask both ways, again where a second has gone by in between; give the answer."""
        for _ in range(5):
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
