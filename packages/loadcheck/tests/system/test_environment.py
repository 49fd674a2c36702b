import subprocess
from pathlib import Path

import pytest

from loadcheck.model.environment import environment


def test_it_names_machine_versions_and_no_commit_outside_git(tmp_path: Path) -> None:
    found = environment(tmp_path)
    assert (found.commit, found.has_local_changes) == ("", False)
    assert found.cores >= 1
    assert found.memory_bytes > 0
    assert found.libraries["locust"].startswith("2.")


def test_it_names_the_commit_and_local_changes(tmp_path: Path) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for arguments in (["init", "-q"], [*who, "commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, timeout=30)  # noqa: S607 - wherever it is
    assert len(environment(tmp_path).commit) == 40
    (tmp_path / "new").touch()
    assert environment(tmp_path).has_local_changes


def test_without_proc_the_platform_names_the_processor(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("loadcheck.model.environment.CPUINFO", tmp_path / "absent")
    assert isinstance(environment(tmp_path).processor, str)
