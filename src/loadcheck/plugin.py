"""The pytest plugin: the `perf` marker, its options, the `load` fixture, the table at the end.

It is loaded into every pytest process, so it imports the harness only once a perf test asks for it.
"""

import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from loadcheck.session import LoadSession, LoadTest

PROFILES = ("short", "documented")
NO_XDIST = (
    "perf tests measure: parallel workers would measure each other. Run them without -n (pytest -m perf)"
)

TABLE_WIDTH = 160
"""What the table takes unfolded, in characters: where output is no terminal, 80 would be assumed."""

SESSION = pytest.StashKey["LoadSession"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of load tests."""
    group = parser.getgroup("loadcheck", "load tests")
    group.addoption(
        "--perf-profile",
        choices=PROFILES,
        default="short",
        help="how long perf tests measure: short (all in two minutes) or documented (minutes each)",
    )
    group.addoption(
        "--perf-results",
        default="perf-results",
        metavar="DIR",
        help="where perf tests write CSV and JSON (write --perf-results=DIR)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; refuse to measure in parallel."""
    config.addinivalue_line("markers", "perf: a load test; never parallel, run with `pytest -m perf`")
    if config.getoption("dist", "no") != "no" and asks_for_perf(config.getoption("markexpr", "")):
        raise pytest.UsageError(NO_XDIST)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse perf tests that reached a worker of pytest-xdist by another way than `-m perf`."""
    if item.get_closest_marker("perf") and hasattr(item.config, "workerinput"):
        pytest.fail(NO_XDIST, pytrace=False)


def asks_for_perf(expression: str) -> bool:
    """Does a `-m` expression name perf other than to leave it out?"""
    return bool(re.search(r"(?<!not )\bperf\b", expression))


@pytest.fixture(scope="session")
def load_session(pytestconfig: pytest.Config) -> Iterator["LoadSession"]:
    """The results of this session, written and printed at its end.

    Meanwhile a SIGTERM (a cancelled CI job) ends pytest as Ctrl-C does, so that every process is stopped.
    """
    from loadcheck.session import LoadSession  # noqa: PLC0415 - see the module's docstring

    session = LoadSession(
        project=pytestconfig.rootpath,
        out=pytestconfig.invocation_params.dir / pytestconfig.getoption("perf_results"),
        profile=pytestconfig.getoption("perf_profile"),
    )
    session.clear()
    pytestconfig.stash[SESSION] = session
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield session
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def load(load_session: "LoadSession", request: pytest.FixtureRequest, tmp_path: Path) -> "LoadTest":
    """What a perf test drives and judges with."""
    from loadcheck.session import LoadTest  # noqa: PLC0415 - see the module's docstring

    return LoadTest(load_session, name=request.node.name.removeprefix("test_"), logs=tmp_path)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the files."""
    found = session.config.stash.get(SESSION, None)
    if found and found.results:
        found.write()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    found = config.stash.get(SESSION, None)
    if not found or not found.results:
        return
    from loadcheck.report.table import render  # noqa: PLC0415 - see the module's docstring

    writer = terminalreporter
    width = max(shutil.get_terminal_size().columns, TABLE_WIDTH)
    writer.section("load tests")
    writer.write_line(render(found.results, width=width, has_colour=writer.hasmarkup))
    writer.write_line(f"profile {found.profile}; samples, summary.csv and results.json in {found.out}")
