"""The line that tells how a run is doing."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from loadcheck.facts import Snapshot
from loadcheck.live import live_line, told

SNAPSHOT = Snapshot(elapsed_s=4.2, planned_s=10, users=8, rate_per_s=161.4, p95_ms=3.14, failures=2)


class Terminal:
    """Stands for pytest's terminal reporter and its capture manager."""

    def __init__(self, *, isatty: bool) -> None:
        self.isatty = isatty
        self.is_captured = True
        self.written: list[tuple[str, bool]] = []

    fullwidth = 80
    width_of_current_line = 60

    def write(self, text: str, *, flush: bool) -> None:
        assert flush
        self.written.append((text, self.is_captured))

    @contextlib.contextmanager
    def global_and_fixture_disabled(self) -> Iterator[None]:
        self.is_captured = False
        yield
        self.is_captured = True


class Config:
    """Stands for pytest's configuration: the terminal plays both plugins."""

    def __init__(self, terminal: Terminal | None) -> None:
        self.pluginmanager = self
        self._terminal = terminal

    def get_terminal_writer(self) -> Any:
        return self._terminal

    def getplugin(self, name: str) -> Any:
        assert name in ("terminalreporter", "capturemanager")
        return self._terminal


def show(terminal: Terminal | None, snapshot: Snapshot | None = SNAPSHOT) -> None:
    config: Any = Config(terminal)
    live_line(config)(snapshot)


def test_a_snapshot_reads_as_a_line() -> None:
    assert told(SNAPSHOT) == "8 users  161/s  P95 3.1 ms  2 failures  6 s left"


def test_before_the_first_answer_there_is_no_percentile() -> None:
    early = Snapshot(elapsed_s=11, planned_s=10, users=0, rate_per_s=0, p95_ms=None, failures=0)
    assert told(early) == "0 users  0/s  P95 -  0 failures  0 s left"


def test_a_terminal_shows_what_fits_into_the_rest_of_the_line_past_pytests_capture() -> None:
    terminal = Terminal(isatty=True)
    show(terminal)
    assert terminal.written == [("\x1b7\x1b[K 8 users  161/s  P\x1b8", False)]


def test_at_the_end_of_a_run_the_line_is_cleared() -> None:
    terminal = Terminal(isatty=True)
    show(terminal, None)
    assert terminal.written == [("\x1b7\x1b[K\x1b8", False)]


@pytest.mark.parametrize("terminal", [Terminal(isatty=False), None])
def test_without_a_terminal_it_is_quiet(terminal: Terminal | None) -> None:
    show(terminal)
    assert terminal is None or terminal.written == []
