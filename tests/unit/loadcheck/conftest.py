"""A small server of known behaviour and the users that ask for it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loadcheck.server import Program, Server, serving
from loadcheck.session import LoadSession, LoadTest
from loadcheck.workload import Stage, UserClass, Workload

HERE = Path(__file__).parent
OPTIONS = ("--port={port}", "--timeout-graceful-shutdown=1")
SMALL = Program(
    name="small",
    command=(
        sys.executable,
        "-m",
        "uvicorn",
        f"--app-dir={HERE}",
        "small_server:app",
        "--port={port}",
        "--timeout-graceful-shutdown=1",
    ),
    ready_path="/good",
    env={"SMALL_TOKEN": "unspoken"},
)


@pytest.fixture
def small_server(tmp_path: Path) -> Iterator[Server]:
    with serving(SMALL, logs=tmp_path) as server:
        yield server


@pytest.fixture
def load_test(tmp_path: Path) -> LoadTest:
    session = LoadSession(project=HERE, out=tmp_path / "out", profile="short")
    return LoadTest(session, name="small[case]", logs=tmp_path)


@pytest.fixture
def asking() -> Callable[..., Workload]:
    """A second of eight users of some classes of small_users.py."""

    def workload(*names: str, users: int = 8, hold_s: float = 1.0) -> Workload:
        classes = tuple(UserClass(locustfile=str(HERE / "small_users.py"), name=name) for name in names)
        stages = (Stage(users=users, spawn_rate=users, hold_s=hold_s),)
        return Workload(users=classes, stages=stages, network_timeout_s=1)

    return workload
