"""What the tests of reports look at: a made-up session, and a made-up history."""

from pathlib import Path

import pytest
from packages.loadcheck.tests.unit.report.made_up import sixty_nights, write_session

from loadcheck.cli import main
from loadcheck.model.result import Result
from loadcheck.report.history.measurements import History
from loadcheck.report.results_file import Record


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the samples of a session; not to be written to."""
    return tmp_path_factory.mktemp("session")


@pytest.fixture(scope="session")
def record(session_folder) -> Record:
    """Make up a session: missed, open, met, void, one whose samples are missing, one that searched."""
    return write_session(session_folder)


@pytest.fixture
def results(record) -> dict[str, Result]:
    return {result.scenario: result for result in record.results}


@pytest.fixture
def call(capsys):
    """Run the command; return its exit code, what it printed and what it complained of."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(each) for each in arguments])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return run


@pytest.fixture(scope="session")
def history() -> History:
    return sixty_nights()
