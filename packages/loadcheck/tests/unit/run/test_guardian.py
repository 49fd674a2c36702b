"""What the guardian is told, it keeps to."""

import io
import os
import signal

import pytest

from loadcheck.run.guardian import Guardian, guard


def test_of_the_groups_those_are_killed_that_have_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "killpg", lambda group, number: killed.append((group, number)))
    guard(io.StringIO("+7\n+8\n-7\n-7\n"))
    assert killed == [(8, signal.SIGKILL)]


def test_who_never_watched_leaves_at_once() -> None:
    Guardian().leave()
