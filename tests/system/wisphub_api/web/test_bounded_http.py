"""The bounds of connections, over the command's own server."""

import socket
from contextlib import suppress
from select import select
from urllib.parse import urlsplit


def test_the_command_refuses_a_head_without_end(demo):
    with socket.create_connection(("127.0.0.1", urlsplit(demo).port), timeout=60) as endless:
        endless.sendall(b"GET / HTTP/1.1\r\nHost: service\r\nX-Endless: ")
        with suppress(ConnectionError):  # it hangs up in the midst
            while not select([endless], [], [], 0.01)[0]:
                endless.sendall(b"x" * 4096)
        assert endless.recv(100).startswith(b"HTTP/1.1 431 ")
