"""A process that a test starts and that never outlives it."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from loadcheck.run.guardian import GUARDIAN

STOP_WITHIN_S = 5.0
"""How long a process may take to end when asked, before it is killed."""
TAIL_CHARACTERS = 2_000


class ProcessFailed(Exception):
    """A process ended, hung or never got ready; the message carries its last output."""


class ChildProcess:
    """A running command with its output in a file, stopped with all its children on leaving the context."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.command = tuple(command)
        self._has_stopped = False
        self._children: list[psutil.Process] = []
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - running what the test names is the purpose
                self.command,
                cwd=folder,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a process group of its own: its children can be stopped with it
            )

        GUARDIAN.watch(self.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> int:
        """Return the exit code; raise `ProcessFailed` when it still runs after `timeout_s` seconds."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ProcessFailed(self.describe(f"was still running after {timeout_s:g} s")) from None

    def is_running_after(self, wait_s: float) -> bool:
        """Wait at most so long; does it still run then?"""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(wait_s)
        return self.exit_code is None

    def stop(self) -> None:
        """Ask it to end, kill what is left of its group; does nothing the second time."""
        if self._has_stopped:
            return
        try:
            self._remember_children()
            if self.exit_code is None:
                self._process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(STOP_WITHIN_S)
        finally:  # also when Ctrl-C comes a second time
            self.kill()

    def kill(self) -> None:
        """End it and its children at once, as a crash would; a second time its number may be another's."""
        if self._has_stopped:
            return
        self._has_stopped = True
        self._remember_children()
        with contextlib.suppress(ProcessLookupError, PermissionError):  # the group is gone already
            os.killpg(self.pid, signal.SIGKILL)
        for child in self._children:  # those that left the group for one of their own
            with contextlib.suppress(psutil.Error):
                child.kill()
        self._process.wait()
        GUARDIAN.forget(self.pid)

    def _remember_children(self) -> None:
        """Note who descends from it while it runs; afterwards its number may be another's."""
        if self.exit_code is not None:
            return
        with contextlib.suppress(psutil.Error):
            self._children += psutil.Process(self.pid).children(recursive=True)

    def describe(self, what: str) -> str:
        """Say what happened to it, with the end of its output."""
        return f"{self.shown_command()} {what}; its last output:\n{self.last_output()}"

    def shown_command(self) -> str:
        """Return its command, as fit for a log."""
        return " ".join(self.command)

    def last_output(self) -> str:
        """Return the last 2,000 characters it wrote."""
        return self.log.read_text(errors="replace")[-TAIL_CHARACTERS:] or "(none)"
