"""The pytest plugin: the `perf` marker, its options, the `load` fixture, the table at the end.

It is loaded into every pytest process, so it imports the harness only once a perf test asks for it.
"""

import re
import shutil
import signal
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from loadcheck.fixtures.compare import ComparisonTest
    from loadcheck.fixtures.load import LoadTest
    from loadcheck.fixtures.session import LoadSession

PROFILES = ("short", "documented", "stress", "soak")
NO_XDIST = (
    "perf tests measure: parallel workers would measure each other. Run them without -n (pytest -m perf)"
)

UNJUDGED = "a load was played but not judged: a test without a verdict must not pass (load.check)"

TABLE_WIDTH = 160
"""What the table takes unfolded, in characters: where output is no terminal, 80 would be assumed."""

SESSION = pytest.StashKey["LoadSession"]()
TEST = pytest.StashKey["LoadTest"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of load tests."""
    group = parser.getgroup("loadcheck", "load tests")
    group.addoption(
        "--perf-profile",
        choices=PROFILES,
        default="short",
        help="how long and how hard perf tests load: short (minutes in all), documented (minutes each), "
        "stress (up to what breaks it), soak (half an hour and more)",
    )
    group.addoption(
        "--perf-results",
        default="perf-results",
        metavar="DIR",
        help="where perf tests write their report (write --perf-results=DIR)",
    )
    group.addoption(
        "--perf-target",
        default="",
        metavar="URL",
        help="load the server at this URL; load.serve() then starts none",
    )
    group.addoption(
        "--perf-remote-workers",
        default=0,
        type=int,
        metavar="N",
        help="wait for N load generators on other machines (python -m loadcheck.driver --worker HOST:PORT)",
    )
    group.addoption(
        "--perf-bind",
        default="",
        metavar="HOST:PORT",
        help="where load generators on other machines come to",
    )
    group.addoption(
        "--perf-base",
        default="",
        metavar="REV",
        help="compare with this revision: of all perf tests only those that compare run",
    )
    group.addoption(
        "--perf-margin",
        default=5.0,
        type=float,
        metavar="PERCENT",
        help="how much slower head may be without anybody caring (default: 5)",
    )
    group.addoption(
        "--perf-limit",
        default=270.0,
        type=float,
        metavar="SECONDS",
        help="how long a comparison may take before it gives up (default: 270)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; refuse to measure in parallel, or to wait for workers nowhere."""
    config.addinivalue_line("markers", "perf: a load test; never parallel, run with `pytest -m perf`")
    if config.getoption("dist", "no") != "no" and asks_for_perf(config.getoption("markexpr", "")):
        raise pytest.UsageError(NO_XDIST)
    if config.getoption("perf_remote_workers") and not config.getoption("perf_bind"):
        raise pytest.UsageError("--perf-remote-workers needs --perf-bind=HOST:PORT, where they come to")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out comparisons where there is no base, and all other load tests where there is one."""
    has_base = bool(config.getoption("perf_base"))
    left_out = [
        item
        for item in items
        if item.get_closest_marker("perf") and ("compare" in getattr(item, "fixturenames", ())) != has_base
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse perf tests that reached a worker of pytest-xdist by another way than `-m perf`."""
    if item.get_closest_marker("perf") and hasattr(item.config, "workerinput"):
        pytest.fail(NO_XDIST, pytrace=False)


def asks_for_perf(expression: str) -> bool:
    """Return whether a `-m` expression names perf other than to leave it out."""
    return bool(re.search(r"(?<!not )(?<!not \()\bperf\b", expression))


@pytest.fixture(scope="session")
def load_session(pytestconfig: pytest.Config) -> "LoadSession":
    """Return the results of this session, which are written and printed at its end.

    From here until they are written their folder is locked, and a SIGTERM or SIGHUP (a cancelled CI job, a
    closed terminal) ends pytest as Ctrl-C does, so that every process is stopped.
    """
    from loadcheck.fixtures.session import (  # noqa: PLC0415 - likewise
        LoadSession,
        Options,
        live_line,
    )
    from loadcheck.run.process import ProcessFailed  # noqa: PLC0415 - likewise

    options = Options(
        project=pytestconfig.rootpath,
        out=pytestconfig.invocation_params.dir / pytestconfig.getoption("perf_results"),
        profile=pytestconfig.getoption("perf_profile"),
        target=pytestconfig.getoption("perf_target"),
        bind=pytestconfig.getoption("perf_bind"),
        remote_workers=pytestconfig.getoption("perf_remote_workers"),
    )
    session = LoadSession(options=options, tell=live_line(pytestconfig))
    try:
        session.clear()
    except ProcessFailed as error:
        pytest.fail(str(error), pytrace=False)
    pytestconfig.stash[SESSION] = session
    pytestconfig.stash[HANDLERS] = _handle(signal.default_int_handler, ENDING_SIGNALS)
    return session


ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
Handlers = dict[signal.Signals, Any]
HANDLERS = pytest.StashKey[Handlers]()


def _handle(handler: Any, numbers: Iterable[signal.Signals]) -> Handlers:
    """Install a handler for signals; return those that there were."""
    return {number: signal.signal(number, handler) for number in numbers}


@pytest.fixture
def load(load_session: "LoadSession", request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["LoadTest"]:
    """Return what a perf test drives and judges with."""
    from loadcheck.fixtures.load import LoadTest  # noqa: PLC0415 - see the module's docstring
    from loadcheck.judge.scenario import Scenario  # noqa: PLC0415 - likewise

    node = request.node
    attempt = getattr(node, "execution_count", 1)  # pytest-rerunfailures counts
    if attempt > 1:
        node.user_properties.clear()  # the attempt's before
    scenario = Scenario(
        name=scenario_name(node.path.stem, node.name),
        question=question(request.function.__doc__, request.module.__doc__),
        attempt=attempt,
    )
    with ExitStack() as stack:
        node.stash[TEST] = LoadTest(load_session, scenario, logs=tmp_path, stack=stack)
        yield node.stash[TEST]


@pytest.fixture
def compare(load_session: "LoadSession", request: pytest.FixtureRequest, tmp_path: Path) -> "ComparisonTest":
    """Return what a test compares base and head with."""
    from loadcheck.compare.decide import Rules  # noqa: PLC0415 - see the module's docstring
    from loadcheck.fixtures.compare import ComparisonTest  # noqa: PLC0415 - likewise

    config, node = request.config, request.node
    return ComparisonTest(
        load_session,
        scenario_name(node.path.stem, node.name),
        base=config.getoption("perf_base"),
        rules=Rules(margin=config.getoption("perf_margin") / 100),
        limit_s=config.getoption("perf_limit"),
        logs=tmp_path,
        tell=lambda line: _tell(config, line),
        properties=node.user_properties,
    )


def _tell(config: pytest.Config, line: str) -> None:
    """Write a line into the log of the job: minutes pass."""
    capture: Any = config.pluginmanager.get_plugin("capturemanager")
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    with capture.global_and_fixture_disabled():
        reporter.write_line(f"  {line}")


def scenario_name(module: str, test: str) -> str:
    """Name a scenario by its file and its test, once where both are the same."""
    module, test = module.removeprefix("test_"), test.removeprefix("test_")
    return test if test == module else f"{module}.{test}"


def question(*docstrings: str | None) -> str:
    """Return the first line of the first docstring that there is."""
    return next((text.strip().splitlines()[0] for text in docstrings if text and text.strip()), "")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a record of load tests that broke off; give JUnit the figures of the others."""
    report = yield
    test = item.stash.get(TEST, None)
    if test and call.when == "call":
        error = call.excinfo.value if call.excinfo and report.failed else None  # a skip is no failure
        item.user_properties.extend(test.conclude(error))  # those that pytest's JUnit file takes at the end
        if report.passed and test.is_unjudged:
            report.outcome, report.longrepr = "failed", UNJUDGED
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the files, then let other sessions have the folder, and signals their handlers.

    A signal that comes meanwhile ends pytest once they are written: half a report helps nobody.
    """
    stash = session.config.stash
    found = stash.get(SESSION, None)
    if found is None:
        return
    waiting: list[int] = []
    interrupt = _handle(lambda number, _: waiting.append(number), (signal.SIGINT, *ENDING_SIGNALS))
    try:
        if found.results:
            found.write()
    finally:
        for number, handler in (*interrupt.items(), *stash[HANDLERS].items()):
            signal.signal(number, handler)
        found.unlock()
    if waiting:
        session.exitstatus = pytest.ExitCode.INTERRUPTED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the tables."""
    found = config.stash.get(SESSION, None)
    if not found or not (found.results or found.comparisons):
        return
    from loadcheck.compare.report.table import render_comparisons  # noqa: PLC0415 - see the module's docstring
    from loadcheck.report import render_table  # noqa: PLC0415 - likewise

    writer, out = terminalreporter, found.options.out
    width = max(shutil.get_terminal_size().columns, TABLE_WIDTH)
    if found.results:
        writer.section("load tests")
        writer.write_line(render_table(found.results, width, has_colour=writer.hasmarkup))
        writer.write_line(f"profile {found.options.profile}; report: {out / 'report.html'}")
    if found.comparisons:
        writer.section("compared with base")
        writer.write_line(render_comparisons(found.comparisons, width, has_colour=writer.hasmarkup))
        writer.write_line(f"reports: {out}/*/compare.html")
