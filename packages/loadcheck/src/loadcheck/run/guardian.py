"""Ends what a test started even when the test's own process is killed (SIGKILL, out of memory).

One small process reads from a pipe the number of each process group that starts or has ended. When the
pipe closes, its owner has gone: it kills the groups that are left.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
from typing import IO


class Guardian:
    """Watches over the process groups of this process; started with the first of them."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def watch(self, group: int) -> None:
        """Kill this group should this process vanish."""
        self._say(f"+{group}\n")

    def forget(self, group: int) -> None:
        """It has ended: its number may soon be another's."""
        self._say(f"-{group}\n")

    def _say(self, line: str) -> None:
        if self._process is None or self._owner != os.getpid():
            self._process = self._start()
        with contextlib.suppress(OSError):  # the guardian was killed: nothing is worse than without it
            pipe = self._process.stdin
            if pipe:
                pipe.write(line.encode())
                pipe.flush()

    def leave(self) -> None:
        """Close the pipe as an end of this process would, and wait for the guardian's."""
        if self._process and self._owner == os.getpid():
            self._process.communicate()

    def _start(self) -> subprocess.Popen[bytes]:
        self._owner = os.getpid()
        atexit.register(self.leave)
        return subprocess.Popen(  # noqa: S603 - this very file
            [sys.executable, "-S", "-E", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # what ends the owner's group must not end its guardian
        )


GUARDIAN = Guardian()


def guard(lines: IO[str]) -> None:
    """Listen until the owner is gone, then end what it left."""
    groups: set[int] = set()
    for line in lines:
        number = int(line[1:])
        if line.startswith("+"):
            groups.add(number)
        else:
            groups.discard(number)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    guard(sys.stdin)
