"""Samples, runs and histories that are made by hand, and the small server in a thread of its own."""

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import uvicorn
from packages.loadcheck.tests.system.small_server import app

from loadcheck.fixtures.load import LoadTest
from loadcheck.fixtures.session import LoadSession, Options
from loadcheck.judge.scenario import Scenario
from loadcheck.model.environment import Environment
from loadcheck.model.facts import GeneratorFacts, Window
from loadcheck.model.resources import Usage
from loadcheck.model.samples import Label, Row, Samples
from loadcheck.model.workload import closed
from loadcheck.report.history.change_points import SERVER_METRICS
from loadcheck.report.history.measurements import (
    EndpointFigures,
    History,
    Machine,
    Measurement,
    ScenarioFigures,
)
from loadcheck.run.generator import Run
from loadcheck.run.target import Target

HERE = Path(__file__).parent
ENVIRONMENT = Environment(
    at="2026-02-03T04:05:06Z",
    commit="c" * 40,
    has_local_changes=False,
    python="3.11.9",
    system="Linux",
    processor="Some Processor 3.0 GHz",
    cores=2,
    memory_bytes=8_000_000_000,
    load_average=(0.5, 0.4, 0.3),
    libraries={"locust": "2.0.1"},
)
FACTS = GeneratorFacts(
    started_at=1_760_000_000.0,
    ended_s=10.0,
    judged=Window(start_s=0.0, end_s=10.0, users=8),
    has_spawned=True,
    cpu_share=0.3,
    own_cores=0.3,
    machine_busy_cores=0.5,
    machine_cores=2,
    lag_p95_ms=0.4,
    mean_wait_s=8.0,
    unfinished_users=0,
    users=((0.0, 8), (10.0, 8)),
)
USED = Usage(
    cpu_s=1.0, cores=0.1, peak_memory_bytes=70_000_000, peak_open_files=9, peak_threads=2, lag_max_ms=None
)


@pytest.fixture(scope="module")
def small_target() -> Iterator[Target]:
    """The small server in a thread of its own; what its users must not ask here is to die."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield Target("small", f"http://127.0.0.1:{listener.getsockname()[1]}")
    server.should_exit = True
    thread.join()


@pytest.fixture(autouse=True)
def no_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that starts a process: its place is `tests/system`."""

    def refuse(_popen: object, command: object, *_: Any, **__: Any) -> None:
        pytest.fail(f"a unit test starts no process, and this one starts {command}: move it to tests/system")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)


@pytest.fixture(autouse=True)
def known_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record results as of a made-up commit and machine: git would be asked for the real one."""
    monkeypatch.setattr("loadcheck.fixtures.session.environment", lambda _: ENVIRONMENT)


@pytest.fixture
def session(tmp_path: Path) -> LoadSession:
    return LoadSession(options=Options(project=HERE, out=tmp_path / "out"))


@pytest.fixture
def load_test(session: LoadSession, tmp_path: Path) -> Iterator[LoadTest]:
    with ExitStack() as stack:
        yield LoadTest(session, Scenario(name="small[case]"), logs=tmp_path, stack=stack)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Run]:
    """Make up a run of eight users over ten seconds, its files among the results of `load_test`.

    Nothing got in the way; `facts` are what went otherwise.
    """

    def made(*parts: tuple[Label, Sequence[float]], facts: dict[str, Any] | None = None, **other: Any) -> Run:
        plain = Run(
            workload=closed("users.py:Someone", users=8, hold_s=10),
            folder=tmp_path / "out" / "small-case-",
            facts=msgspec.structs.replace(FACTS, **(facts or {})),
            samples=sampled(*parts),
            under_test="small",
            usage={"small": USED},
            whole_usage={"small": USED},
            servers={},
            settings={"small": {"SMALL_TOKEN": "***"}},
            counters={},
        )
        return msgspec.structs.replace(plain, **other)

    return made


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
