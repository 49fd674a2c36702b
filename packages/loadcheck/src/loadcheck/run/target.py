"""What is put under load: an address that answers HTTP."""

import contextlib
import http.client
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from prometheus_client.parser import text_string_to_metric_families

HOST = "127.0.0.1"
ANSWER_WITHIN_S = 2.0


class Target:
    """A server's name in reports and its URL; paths are below the URL's own.

    Raises:
        ValueError: It is no http(s) URL.
    """

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url.rstrip("/")
        self._address = urlsplit(self.url)
        if not _is_http(self._address):
            raise ValueError(f"a target is an http:// or https:// URL, not {url!r}")

    def connect(self, timeout_s: float = ANSWER_WITHIN_S) -> http.client.HTTPConnection:
        """Return a connection of one's own, not opened yet."""
        kind = http.client.HTTPSConnection if self._address.scheme == "https" else http.client.HTTPConnection
        return kind(self._address.hostname or HOST, self._address.port, timeout=timeout_s)

    def full_path(self, path: str) -> str:
        """Return a path as the server is asked for it."""
        return self._address.path + path

    def answers(self, path: str) -> bool:
        """Ask once: does a path answer 2xx?"""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get(path)[0] // 100 == 2  # noqa: PLR2004 - 2xx
        return False

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Fetch a path for the test's own use, outside any measurement: status and body."""
        return self.request("GET", path, headers=headers)

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send one request over a connection of its own; raises OSError when nobody answers in 2 s."""
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, self.full_path(path), body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read()

    def metric(self, path: str, name: str) -> float | None:
        """Read a figure, of several the highest, from a page in Prometheus' text format; None: not there."""
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            families = text_string_to_metric_families(self.get(path)[1].decode())
            return max(
                sample.value for family in families for sample in family.samples if sample.name == name
            )
        return None


def _is_http(address: SplitResult) -> bool:
    try:
        port = address.port
    except ValueError:  # no number
        return False
    return address.scheme in ("http", "https") and bool(address.hostname) and port != 0
