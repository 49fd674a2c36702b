"""A small project with a history, which each test makes."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Commit = Callable[..., str]


class Project:
    """A repository without a commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        (folder / ".gitignore").write_text(".loadcheck/\n__pycache__/\n")

    def commit(self, files: Mapping[str, str]) -> str:
        """Write files, and return the commit that has them and all else that lies there."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "--message=A version")
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        settings = ("user.name=A Tester", "user.email=tester@example.org", "commit.gpgsign=false")
        command = ["git", *(word for setting in settings for word in ("-c", setting)), *arguments]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def project(repository: Project) -> Path:
    """The folder of the test's repository."""
    return repository.folder


@pytest.fixture
def commit(repository: Project) -> Commit:
    """Commit a version of the server, and return its commit."""
    return lambda code="pass": repository.commit({"server.py": code})
