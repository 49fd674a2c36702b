"""A small server of known behaviour, the users that ask for it, and samples made by hand."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from loadcheck.change_points import SERVER_METRICS
from loadcheck.generator import Generator
from loadcheck.history import EndpointFigures, History, Machine, Measurement, ScenarioFigures
from loadcheck.load_test import LoadTest
from loadcheck.outcome import Scenario
from loadcheck.samples import Label, Row, Samples
from loadcheck.server import Program, Server, asgi, serving
from loadcheck.session import LoadSession, Options
from loadcheck.workload import Workload, closed

HERE = Path(__file__).parent


def small(**settings: str) -> Program:
    return asgi("small_server:app", folder=HERE, SMALL_TOKEN="unspoken", **settings)


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests of a module: they leave it as it is."""
    with serving(small(), logs=tmp_path_factory.mktemp("small")) as server:
        yield server


@pytest.fixture
def mortal_server(tmp_path: Path) -> Iterator[Server]:
    """One for a single test, which may end it."""
    with serving(small(), logs=tmp_path) as server:
        yield server


@pytest.fixture
def dropping_server(tmp_path: Path) -> Iterator[Server]:
    command = (sys.executable, str(HERE / "dropping_server.py"), "{port}")
    with serving(Program(name="dropping", command=command), logs=tmp_path) as server:
        yield server


@pytest.fixture
def generator(tmp_path: Path) -> Generator:
    return Generator(folder=HERE, logs=tmp_path)


@pytest.fixture
def load_test(tmp_path: Path) -> Iterator[LoadTest]:
    session = LoadSession(options=Options(project=HERE, out=tmp_path / "out"))
    with ExitStack() as stack:
        yield LoadTest(session, Scenario(name="small[case]"), logs=tmp_path, stack=stack)


def asks(*names: str, users: int = 8, hold_s: float = 1.0, **settings) -> Workload:
    """A second of eight users of some classes of small_users.py."""
    who = [f"small_users.py:{name}" for name in names]
    return closed(who, users=users, hold_s=hold_s, network_timeout_s=1, **settings)


@pytest.fixture
def asking() -> Callable[..., Workload]:
    return asks


def sampled(*parts: tuple[Label, Sequence[float]], over_s: float = 10.0, waited_ms: float = 0.0) -> Samples:
    """Requests that took so many milliseconds, each label's ending evenly over a time."""
    rows = [
        Row(
            label=label,
            intended_s=float(done_s) - ms / 1_000 - waited_ms / 1_000,
            start_s=float(done_s) - ms / 1_000,
            first_byte_ms=ms / 2,
            response_ms=ms,
            done_s=float(done_s),
            size=10,
        )
        for label, times in parts
        for done_s, ms in zip(np.linspace(0, over_s, len(times)), times, strict=True)
    ]
    return Samples.of_rows(sorted(rows, key=attrgetter("done_s")))


@pytest.fixture
def samples() -> Callable[..., Samples]:
    return sampled


def night(number: int, *scenarios: ScenarioFigures, **differently: Any) -> Measurement:
    """A commit measured on a day of January or February; its name begins with its number."""
    plain = Measurement(
        commit=f"{number:04}".ljust(40, "c"),
        at=f"2026-{1 + number // 30:02}-{1 + number % 30:02}T02:00:00Z",
        has_local_changes=False,
        profile="documented",
        machine=Machine(processor="Some Processor 3.0 GHz", cores=2, python="3.11.9"),
        scenarios=scenarios,
    )
    return msgspec.structs.replace(plain, **differently)


def nights_of(values: Sequence[float | None], metric: str = "p95_ms", **differently: Any) -> History:
    """One figure over the commits; where it is None the scenario was not played."""

    def played(value: float) -> ScenarioFigures:
        figures: dict[str, Any] = {metric: value}
        if metric not in SERVER_METRICS:
            figures = {"endpoints": (EndpointFigures(endpoint="/a", **figures),)}
        return ScenarioFigures(scenario="load", verdict="met", **figures)

    return tuple(
        night(number, *([] if value is None else [played(float(value))]), **differently)
        for number, value in enumerate(values)
    )


@pytest.fixture
def nights() -> Callable[..., History]:
    return nights_of
