"""One line that tells how a run is doing, where there is a terminal to tell it."""

from collections.abc import Callable

import pytest

from loadcheck.facts import Snapshot

CLEAR = "\r\x1b[2K"


def live_line(config: pytest.Config) -> Callable[[Snapshot], None]:
    """Return what shows a snapshot in the terminal's last line; without a terminal it does nothing."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter is None or not reporter.isatty:
        return lambda _: None
    capture = config.pluginmanager.getplugin("capturemanager")

    def show(snapshot: Snapshot) -> None:
        with capture.global_and_fixture_disabled():
            reporter.write(CLEAR + told(snapshot), flush=True)

    return show


def told(snapshot: Snapshot) -> str:
    """Write a snapshot as a line."""
    p95 = "-" if snapshot.p95_ms is None else f"{snapshot.p95_ms:.1f} ms"
    left_s = max(snapshot.planned_s - snapshot.elapsed_s, 0.0)
    return (
        f"{snapshot.users} users  {snapshot.rate_per_s:.0f}/s  P95 {p95}  "
        f"{snapshot.failures} failures  {left_s:.0f} s left "
    )
