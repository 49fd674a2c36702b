"""A server that answers the first request of each connection and hangs up on the second, unanswered."""

import socketserver
import sys
from typing import ClassVar

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[{"id":7}]'


class Handler(socketserver.StreamRequestHandler):
    """Counts requests; `/count` tells how many of the others there were."""

    seen: ClassVar[list[str]] = []

    def handle(self) -> None:
        for is_second in (False, True):
            words = self.rfile.readline().split()
            while self.rfile.readline().strip():
                pass
            if not words:
                return
            if words[1] == b"/count":
                body = str(len(self.seen)).encode()
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
                return
            self.seen.append("")
            if is_second:
                return
            self.wfile.write(ANSWER)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
