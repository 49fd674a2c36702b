"""Unit tests run in one process: none of them starts another, or speaks to one."""

import subprocess
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def no_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that starts a process: its place is `tests/system`."""

    def refuse(_popen: object, command: object, *_: Any, **__: Any) -> None:
        pytest.fail(f"a unit test starts no process, and this one starts {command}: move it to tests/system")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
