"""The base: a commit checked out beside the project, with an environment where its lock differs."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from loadcheck.run.server import Program

PLACE: Final = ".loadcheck"
"""Where base and its environments are kept, in the project's folder."""
KEPT: Final = 3
"""So many bases and environments are kept; the one that was used longest ago goes first."""
GIT_WITHIN_S: Final = 120.0
INSTALL_WITHIN_S: Final = 900.0
TAIL: Final = 1_000
LOCKS: Final = ("requirements.lock", "requirements.txt")
"""What an environment is made from: the first of them that is there."""


class BaseFailed(Exception):
    """The base cannot be had; the message says why and what would do."""


class Checkout(Struct, frozen=True, kw_only=True):
    """A version of the project: where it lies, what runs it, and which other settings its servers get."""

    name: str
    commit: str
    folder: Path
    python: str
    env: Mapping[str, str] = {}

    def program(self, program: Program, project: Path) -> Program:
        """Return a program of the project so that it runs this version's code.

        Its interpreter is exchanged, and the project's folder wherever it is named. Both sides hash alike:
        the order in which sets are walked through is no difference between them.
        """

        def own(word: str) -> str:
            return word.replace(str(project), str(self.folder))

        command = [self.python if word == sys.executable else own(word) for word in program.command]
        env = {name: own(value) for name, value in program.env.items()}
        return replace(
            program,
            name=f"{program.name}-{self.name}",
            command=tuple(command),
            env={**env, **self.env, "PYTHONPATH": self._import_path(), "PYTHONHASHSEED": "0"},
            folder=Path(own(str(program.folder or project))),
        )

    def _import_path(self) -> str:
        own = [str(self.folder / "src"), str(self.folder)]
        return os.pathsep.join([*own, *filter(None, [os.environ.get("PYTHONPATH")])])


def head(project: Path) -> Checkout:
    """Return the project as it lies there, with what is not committed."""
    return Checkout(
        name="head", commit=_git(project, "rev-parse", "HEAD"), folder=project, python=sys.executable
    )


def state(project: Path) -> str:
    """Return a text that differs whenever the project's files do, those that are not committed included."""
    new = _git(project, "ls-files", "--others", "--exclude-standard").splitlines()
    times = [f"{name} {(project / name).stat().st_mtime_ns}" for name in new if (project / name).exists()]
    return "\n".join([_git(project, "rev-parse", "HEAD"), _git(project, "diff", "HEAD", "--binary"), *times])


def check_out(project: Path, rev: str) -> Checkout:
    """Check a revision out beside the project, and see to its environment; what is there already is used.

    Raises:
        BaseFailed: There is no such revision, or no room, or its requirements cannot be installed.
    """
    commit = _commit(project, rev)
    folder = project / PLACE / "worktrees" / commit[:16]
    if not _holds(folder, commit):
        shutil.rmtree(folder, ignore_errors=True)
        _git(project, "worktree", "prune")
        _git(project, "worktree", "add", "--detach", "--force", str(folder), commit)
    os.utime(folder)
    _forget_old(folder.parent)
    return Checkout(name="base", commit=commit, folder=folder, python=_python(project, folder))


def _commit(project: Path, rev: str) -> str:
    try:
        return _git(project, "rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}")
    except BaseFailed:
        known = _git(project, "for-each-ref", "--format=%(refname:short)").split()
        close = get_close_matches(rev, known) or known[:5]
        raise BaseFailed(
            f"{rev!r} is no revision of this repository; there are, among others: {', '.join(close)}. "
            "In a shallow clone, fetch it first (git fetch --depth=1 origin BRANCH)"
        ) from None


def _holds(folder: Path, commit: str) -> bool:
    """Return whether a folder is a worktree of this commit without changes."""
    try:
        return (
            (folder / ".git").exists()
            and _git(folder, "rev-parse", "HEAD") == commit
            and not _git(folder, "status", "--porcelain", "--untracked-files=no")
        )
    except BaseFailed:
        return False


def _python(project: Path, base: Path) -> str:
    """Return what runs base: this interpreter, or one of an environment made for its lock."""
    lock = _lock(base)
    if lock is None or _requirements(lock) == _requirements(_lock(project)):
        return sys.executable
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = project / PLACE / "environments" / digest
    ready = folder / ".ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _make_environment(folder, lock)
    ready.touch()
    os.utime(folder)
    _forget_old(folder.parent)
    return str(folder / "bin" / "python")


def _lock(folder: Path) -> Path | None:
    return next((folder / name for name in LOCKS if (folder / name).exists()), None)


def _requirements(lock: Path | None) -> list[str]:
    """Return a lock's lines without comments: which of them needs a package makes no other environment."""
    lines = lock.read_text(encoding="utf-8").splitlines() if lock else []
    return [line for line in lines if line and not line.lstrip().startswith("#")]


def _make_environment(folder: Path, lock: Path) -> None:
    python = getattr(sys, "_base_executable", sys.executable)
    _run([python, "-m", "venv", str(folder)], GIT_WITHIN_S)
    hashed = ["--require-hashes", "--no-deps"] if "--hash=" in lock.read_text(encoding="utf-8") else []
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, *hashed, "-r", str(lock)], INSTALL_WITHIN_S)


def _forget_old(place: Path) -> None:
    folders = sorted(place.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)


def _git(folder: Path, *arguments: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return _run(["git", "-C", str(folder), *arguments], GIT_WITHIN_S, env).strip()


def _run(command: list[str], timeout_s: float, env: Mapping[str, str] | None = None) -> str:
    """Run a command; raise `BaseFailed` with the end of what it said where it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - git, venv and pip
            command, capture_output=True, text=True, timeout=timeout_s, check=True, env=env
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip()[-TAIL:]
        raise BaseFailed(f"{' '.join(command[:4])} … failed: {said}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BaseFailed(f"{command[0]} cannot be run: {error}") from error
    return done.stdout
