"""What makes a result comparable later: commit, machine, versions, settings."""

import os
import platform
import subprocess
import time
from importlib.metadata import distributions
from pathlib import Path

import psutil
from msgspec import Struct

CPUINFO = Path("/proc/cpuinfo")


class Environment(Struct, frozen=True, kw_only=True):
    """Where and on what a run was made; nothing in it names a person or a host."""

    at: str
    commit: str
    has_local_changes: bool
    python: str
    system: str
    processor: str
    cores: int
    memory_bytes: int
    load_average: tuple[float, float, float]
    libraries: dict[str, str]


def environment(folder: Path) -> Environment:
    """Describe this machine and the commit checked out in a folder (empty outside a git repository)."""
    return Environment(
        at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        commit=_git(folder, "rev-parse", "HEAD"),
        has_local_changes=bool(_git(folder, "status", "--porcelain")),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        processor=_processor(),
        cores=psutil.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        load_average=os.getloadavg(),
        libraries={found.name: found.version for found in sorted(distributions(), key=lambda one: one.name)},
    )


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", *arguments],  # noqa: S607 - git is wherever the user has it
            cwd=folder, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):  # no git, no repository: a result without a commit
        return ""
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
