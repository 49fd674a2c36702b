"""uvicorn's HTTP with an end: to how long a head may be, and to how long a request may take to come.

By itself, with httptools, it reads a header of any length into memory, and waits for a first request, or for
the rest of one, for ever: a few hundred slow or endless senders would take all memory or all descriptors.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_MAX_BYTES: Final = 64 * 1024
"""What is read of a head before it is whole. Heads that are whole have closer limits (`size_limits`)."""
TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedHttp(HttpToolsProtocol):
    """One connection of a client.

    Attributes:
        request_max_s: From a connection's beginning, or a request's first byte, to the request's last.
    """

    request_max_s: ClassVar[float] = 30.0
    _deadline: asyncio.TimerHandle | None = None
    _head = 0
    _head_bytes = 0
    _is_in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for a first request, not for ever."""
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._clear_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless this head has become too large."""
        head = self._head if self._is_in_head else None
        super().data_received(data)
        if self._is_in_head and head == self._head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_MAX_BYTES:
                self._refuse_head()

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        super().on_message_begin()
        self._head, self._head_bytes, self._is_in_head = self._head + 1, 0, True
        self._set_deadline()

    def on_headers_complete(self) -> None:
        """End to read a head."""
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End to read a request: its answer may take as long as it does."""
        self._clear_deadline()
        super().on_message_complete()

    def _set_deadline(self) -> None:
        self._clear_deadline()
        self._deadline = self.loop.call_later(self.request_max_s, self._cut_off)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()

    def _cut_off(self) -> None:
        self.transport.close()

    def _refuse_head(self) -> None:
        if self.cycle is None or self.cycle.response_complete:  # no answer to an earlier request is under way
            self.transport.write(TOO_LARGE)
        self.transport.close()
