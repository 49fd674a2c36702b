"""A small server of known behaviour, the users that ask for it, and the load generator that plays them."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from msgspec.structs import replace

from loadcheck.fixtures.load import LoadTest
from loadcheck.fixtures.session import LoadSession, Options
from loadcheck.judge.scenario import Scenario
from loadcheck.model.workload import Workload, closed
from loadcheck.run.generator import Generator, Run, Watched
from loadcheck.run.server import Program, Server, asgi, serving
from loadcheck.run.target import Target

HERE = Path(__file__).parent
SMALL = replace(asgi("small_server:app", folder=HERE, SMALL_TOKEN="unspoken"), ready_within_s=60)
DROPPING = Program(name="dropping", command=(sys.executable, str(HERE / "dropping_server.py"), "{port}"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("system")


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard() -> None:
    """Let Ctrl-C end what tests start; begun by a script with `&` they would ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests of a module: they leave it as it is."""
    with serving(SMALL, logs=tmp_path_factory.mktemp("small")) as server:
        yield server


@pytest.fixture
def mortal_server(tmp_path: Path) -> Iterator[Server]:
    """One for a single test, which may end it."""
    with serving(SMALL, logs=tmp_path) as server:
        yield server


@pytest.fixture
def dropping_server(tmp_path: Path) -> Iterator[Server]:
    with serving(DROPPING, logs=tmp_path) as server:
        yield server


@pytest.fixture
def load_test(tmp_path: Path) -> Iterator[LoadTest]:
    session = LoadSession(options=Options(project=HERE, out=tmp_path / "out"))
    with ExitStack() as stack:
        yield LoadTest(session, Scenario(name="small[case]"), logs=tmp_path, stack=stack)


Play = Callable[..., Run]


def player(folder: Path) -> Play:
    """Play workloads in a folder; `options` are the generator's, or what is watched."""

    def play(workload: Workload, target: Target, out: str = "out", **options) -> Run:
        watched = Watched(**{name: options.pop(name) for name in ("servers", "counters") if name in options})
        return Generator(folder=HERE, logs=folder, **options).play(workload, target, folder / out, watched)

    return play


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return player(tmp_path)


@pytest.fixture(scope="module")
def play_once(tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Play what several tests of a module look at."""
    return player(tmp_path_factory.mktemp("played"))


def asks(*names: str, users: int = 8, hold_s: float = 1.0, **settings) -> Workload:
    """A second of eight users of some classes of small_users.py."""
    who = [f"small_users.py:{name}" for name in names]
    return closed(who, users=users, hold_s=hold_s, **{"network_timeout_s": 1, **settings})


@pytest.fixture(scope="session")
def asking() -> Callable[..., Workload]:
    return asks
