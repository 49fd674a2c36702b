"""A grammar of hostile requests: what may stand in a URL, in a header, in JSON, and where."""

import json
import random
import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

SLOTS: Final = ("path", "query", "header", "body", "method", "place")

# One a line, as they are long, odd or hold spaces.
TEXTS: Final = [
    *"""
|a|es|Esperanza|7|-1|+7|0|00|7.0|7e0|1e309|-0|0x1F|1_0|null|true|NaN|-Infinity|[]|*|"|\\|/|//|;|?|#|\x01\x1b[2J
\x7f|\x85|\u2028|\ufeff|\ufffe|\uffff|\U0010ffff|\u202eolleh|\u0645\u0631\u062d\u0628\u0627|\u0130|\xdf|\u0667
\uff17|\xb2|\u216f|\U0001f468\u200d\U0001f469|\u0415\u0455\u0440\u0435r\u0430nza|2147483648|9223372036854775808
../../etc/passwd|..\\..\\|....//|' OR '1'='1|<script>alert(1)</script>|${jndi:ldap://x/}|{{7*7}}|%n%s%x|`id`
""".replace("\n", "|").split("|"),
    *("\0", "a\0b", "9" * 40, "9" * 4400, "e" + "\u0301" * 200, "\u200d" * 50, "\ufdfa" * 60, "(" * 99),
    *("x" * 200, "x" * 201, "x" * 7000, "x" * 9000, "\xf1" * 3000, "a" * 255, "a" * 256, "a," * 900),
]
ENCODED: Final = b"""
% %% %zz %u0041 %2 %c0%ae%c0%ae/ %c0%80 %e0%80%af %f5%80%80%80 %ed%a0%80 %ff%fe %c3 %c3%28 %00 %2500 %25252e
%252e%252e%252f %2e%2e%2f %0d%0aSet-Cookie:%20a=b %E5%98%8A%E5%98%8D \xc3\xb1 \xff\xfe \x80 %2F%2F %3f%23
""".split()
JSONS: Final = [
    *b"null true 0 -0.0 7 7.0 1e999 -1e999 NaN Infinity [] {} [1,] // 'a' [[[[]]]]".split(),
    *(b'"\xff"', b'"\xc3"', b'"\\x"', b'"'),
    *rb""" "\ud800" "\udc00\ud800" "\u0000" {"a":1,"a":2} {"__proto__":{}} """.split(),
    *(
        b"9" * 30,
        b"9" * 5000,
        b"-" + b"9" * 400,
        b"0." + b"0" * 5000 + b"1",
        b"[" * 400 + b"]" * 400,
        b"\0",
        b"",
    ),
    *(b'{"a":' * 300 + b"1" + b"}" * 300, b"[" * 30_000, b'{"":' * 15_000),
]
BODIES: Final = [
    *(
        b"",
        b" ",
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"{}{}",
        b"{",
        b'{"',
        b"[]",
        b"null",
        b'"a"',
        b"\0",
    ),
    *(b"<a/>", b"a=b&c=d", b"--x\r\n\r\n--x--", b"\x1f\x8b\x08", b"\x80\x81", b"x" * 66_000),
    b'{"a":"' + b"x" * 64_000,
]
HEADERS: Final = b"""
Cache-Control If-None-Match Idempotency-Key X-API-Key X-Request-ID Range If-Range If-Modified-Since If-Match
If-Unmodified-Since Accept Accept-Encoding Accept-Language Content-Type Content-Encoding Expect Host Origin
Connection Upgrade Cookie Via Authorization X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto Forwarded
traceparent TE Trailer X-HTTP-Method-Override Access-Control-Request-Method Sec-WebSocket-Key X-Real-IP
""".split()
VALUES: Final = [
    *b"""
|*|"|""|W/|W/"x", "y|no-cache|max-age=0|max-age=-1|max-stale|min-fresh=1e9|only-if-cached|max-age="5|=,=,=
close|bytes=0-0|bytes=-1|bytes=0-,5-2,-9|100-continue|websocket|h2c|Upgrade|keep-alive, Upgrade
text/html|*/*;q=nan|application/json|application/json; charset=utf-7|application/json;charset=\xff|text/plain
multipart/form-data|multipart/form-data; boundary=|application/x-www-form-urlencoded|application/x-msgpack
Mon, 99 Foo 9999 99:99:99 GMT|Thu, 01 Jan 1970 00:00:00 GMT|evil.example|a:99999|[::1|@|\xff\xfe\xfd|\xc3\xb1
gzip|DELETE|a\tb|%0d%0a|../|\x7f|Bearer x|Basic \xff|for=127.0.0.1|1|identity;q=0, *;q=0
00-00000000000000000000000000000000-0000000000000000-01
""".replace(b"\n", b"|").split(b"|"),
    *(b"max-age=" + b"9" * 90, b"," * 500, b'"' * 250, b"a=" * 120, b"bytes=" + b"0-1," * 500),
    *(b"x" * 255, b"x" * 256, b"x" * 31_000),
]
METHODS: Final = b"GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT PROPFIND".split()
PATHS: Final = [
    *b"""
/ // /* /. /.. /%2e /.env /\xff /api /api/v1/ /API/V1/CLIENTS /api/v1/clients;a=b /api/v1/../../health
/health/ /docs/x /docs-assets/ /docs-assets/..%2f.. /docs-assets/%2e%2e/%2e%2e/settings.py
/docs-assets/../bounded_http.py /api/v1/clients/search/ /api/v1/clients/7/verify/extra
""".split(),
    *(b"/" * 3000, b"/a" * 2000, b"/" + b"x" * 9000, b"/metrics?" + b"&" * 4000),
]
LENGTHS: Final = (b"-1", b"+5", b"0x5", b"5, 5", b"5;", b"1e3", b"9" * 30, b" ", b"99")
CODINGS: Final = (b"chunked", b"chunked, chunked", b"xchunked", b"gzip, chunked", b"\x0bchunked")
CHUNKS: Final = (
    *(b"zz\r\n", b"-1\r\n\r\n", b"f" * 30 + b"\r\n", b"5\r\nab\r\n0\r\n\r\n", b"0\r\nX: y\r\n\r\n"),
    b"1;" + b"x" * 9000 + b"\r\na\r\n0\r\n\r\n",
)
VERSIONS: Final = (b"", b" HTTP/0.9", b" HTTP/1.0", b" HTTP/2.0", b" HTTP/9.9", b" http/1.1")
LINES: Final = (b"X", b": y", b"X Y: z", b"X\0: y", b"X: a\0b", b"X: a\rb", b" folded", b"X" * 70_000)
PREFIXES: Final = (
    *(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n" * 5000),
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
)
GOOD: Final[dict[str, Any]] = {
    "name": "Esperanza",
    "address": "BELLAVISTA",
    "internet_plan_name": "Plan",
    "internet_plan_price": 40000.0,
    "service_id": 7,
    "subject": "Internet Lento",
    "description": "Muy lento",
    "pings": 1,
    "phone": "3104567890",
}


class Attack(Struct, frozen=True):
    """One request, framed as HTTP/1.1 asks for."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""

    def wire(self) -> bytes:
        """Give it as it is sent."""
        framing = ((b"Content-Length", str(len(self.body)).encode()),) if self.body else ()
        lines = [b"%b: %b\r\n" % header for header in (*self.headers, *framing)]
        return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (self.method, self.target, b"".join(lines), self.body)


class Operation(Struct, frozen=True):
    """What the description says that can be asked."""

    method: bytes
    path: str
    query: tuple[str, ...]
    fields: tuple[str, ...]


def operations(description: dict[str, Any]) -> list[Operation]:
    """Read all operations of an OpenAPI description."""
    schemas = description["components"]["schemas"]
    found = []
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            query = [given["name"] for given in operation.get("parameters", ()) if given["in"] == "query"]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            schema = schemas.get(body.get("schema", {}).get("$ref", "").rpartition("/")[2], {})
            fields = tuple(schema.get("properties", ()))
            found.append(Operation(method.upper().encode(), path, tuple(query), fields))
    return found


class Attacker:
    """Draws hostile requests: each is a good one of which some slots hold something else.

    Args:
        description: OpenAPI's, of the service.
        seed: The same draws the same requests.
        key: A consumer's.
    """

    def __init__(self, description: dict[str, Any], seed: int, key: str) -> None:
        self._draw = random.Random(seed)  # noqa: S311  # repeatable on purpose
        self._known = operations(description)
        self._key = key.encode()

    def attacks(self, count: int) -> Iterator[Attack]:
        """Draw requests that are framed well."""
        for _ in range(count):
            yield self._attack(self._draw.choice(self._known))

    def malformed(self, count: int) -> Iterator[bytes]:
        """Draw what is no request, several at once, or one whose end is unclear."""
        for _ in range(count):
            yield self._malformed(self._attack(self._draw.choice(self._known)).wire())

    def _attack(self, operation: Operation) -> Attack:
        draw = self._draw
        slots = {draw.choice(SLOTS) for _ in range(draw.randint(1, 3))}
        target = self._path(operation, "path" in slots) + self._query(operation, "query" in slots)
        if "place" in slots:
            target = draw.choice(
                (draw.choice(PATHS), b"http://service" + target, b"http://evil.example:99999" + target)
            )
        headers = [(b"Host", b"service"), (b"X-API-Key", self._key), (b"Content-Type", b"application/json")]
        return Attack(
            method=draw.choice(METHODS) if "method" in slots else operation.method,
            target=target,
            headers=tuple(self._headers(headers) if "header" in slots else headers),
            body=self._hostile_body(operation) if "body" in slots else _good_body(operation),
        )

    def _path(self, operation: Operation, is_hostile: bool) -> bytes:  # noqa: FBT001  # as for the other slots
        return b"".join(
            part if not part.startswith(b"{") else self._escaped() if is_hostile else b"7"
            for part in re.split(rb"({\w+})", operation.path.encode())
        )

    def _query(self, operation: Operation, is_hostile: bool) -> bytes:  # noqa: FBT001  # likewise
        if not is_hostile:
            return b"?limit=1&q=es" if "limit" in operation.query else b""
        draw = self._draw
        names = [*(name.encode() for name in operation.query), b"limit", self._escaped()]
        count = draw.choice((1, 1, 2, 3, 40))
        return b"?" + draw.choice((b"&", b"&", b";")).join(
            draw.choice(names) + b"=" + self._escaped() for _ in range(count)
        )

    def _escaped(self) -> bytes:
        """Draw a value as it stands in a URL."""
        draw = self._draw
        if draw.random() < 0.4:
            return draw.choice(ENCODED) * draw.choice((1, 1, 1, 3, 300))
        value = draw.choice(TEXTS).encode()
        if draw.random() < 0.1:
            return re.sub(rb"[\0-\x20\x7f]", b"", value)
        return b"".join(b"%%%02x" % byte for byte in value)

    def _headers(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        draw = self._draw
        names = draw.choices(HEADERS, k=draw.choice((1, 1, 2, 5)))
        more = [(name, draw.choice(VALUES)) for name in names] * draw.choice((1, 1, 1, 2, 60))
        return [header for header in headers if header[0] not in names or draw.random() < 0.5] + more

    def _hostile_body(self, operation: Operation) -> bytes:
        draw = self._draw
        if draw.random() < 0.2:
            return draw.choice(BODIES)
        fields = draw.sample(operation.fields, draw.randint(0, len(operation.fields)))
        fields += draw.choices(TEXTS, k=draw.choice((0, 0, 1)))
        return b"{%b}" % b",".join(b"%b:%b" % (json.dumps(name).encode(), self._json()) for name in fields)

    def _json(self) -> bytes:
        draw = self._draw
        return draw.choice(JSONS) if draw.random() < 0.5 else json.dumps(draw.choice(TEXTS)).encode()

    def _malformed(self, wire: bytes) -> bytes:
        draw = self._draw
        head, _, body = wire.partition(b"\r\n\r\n")
        at = draw.randrange(len(wire))
        noise = bytes(draw.choices(range(256), k=draw.choice((1, 8, 200, 3000))))
        coding = b"\r\nTransfer-Encoding: %b\r\n\r\n%b" % (draw.choice(CODINGS), draw.choice(CHUNKS))
        ways = (
            wire[:at],
            noise,
            wire[:at] + noise + wire[at:],
            wire * draw.choice((2, 10)),
            draw.choice(PREFIXES) + wire,
            b"%b\r\nContent-Length: %b\r\n\r\n%b" % (head, draw.choice(LENGTHS), body),
            b"%b\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n%b" % (head, body),
            head + coding,
            head + b"\r\nContent-Length: 4" + coding,
            b"%b\r\n%b\r\n\r\n%b" % (head, draw.choice(LINES), body),
            wire.replace(b" HTTP/1.1", draw.choice(VERSIONS)),
            wire.replace(b"\r\n", draw.choice((b"\n", b"\r", b"\r\n ", b"\r\n\r\n", b"\n\r"))),
            wire.replace(
                b"GET", draw.choice((b"get", b"GeT", b"GET\t", b"G\0T", b"FOO", b"", b"X" * 9000)), 1
            ),
        )
        return draw.choice(ways)


def _good_body(operation: Operation) -> bytes:
    given = {field: GOOD[field] for field in operation.fields if field in GOOD}
    return json.dumps(given).encode() if operation.fields else b""
