"""One line that tells how a run is doing, where there is a terminal to tell it."""

from collections.abc import Callable

import pytest

from loadcheck.facts import Snapshot

SAVE, RESTORE, CLEAR = "\x1b7", "\x1b8", "\x1b[K"
"""The terminal's cursor comes back to where pytest left it; the rest of the line is cleared."""


def live_line(config: pytest.Config) -> Callable[[Snapshot | None], None]:
    """Return what shows a snapshot in the rest of the terminal's line; None clears it.

    Without a terminal it does nothing.
    """
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter is None or not reporter.isatty:
        return lambda _: None
    capture = config.pluginmanager.getplugin("capturemanager")

    def show(snapshot: Snapshot | None) -> None:
        writer = config.get_terminal_writer()
        room = writer.fullwidth - writer.width_of_current_line - 2
        text = f" {told(snapshot)}"[:room] if snapshot else ""
        with capture.global_and_fixture_disabled():
            reporter.write(SAVE + CLEAR + text + RESTORE, flush=True)

    return show


def told(snapshot: Snapshot) -> str:
    """Write a snapshot as a line."""
    p95 = "-" if snapshot.p95_ms is None else f"{snapshot.p95_ms:.1f} ms"
    left_s = max(snapshot.planned_s - snapshot.elapsed_s, 0.0)
    return (
        f"{snapshot.users} users  {snapshot.rate_per_s:.0f}/s  P95 {p95}  "
        f"{snapshot.failures} failures  {left_s:.0f} s left"
    )
