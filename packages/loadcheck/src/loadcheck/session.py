"""A pytest session's load tests: what the command line says of them, their results, and where these go."""

import fcntl
import itertools
import os
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct, field

from loadcheck.compare.outcome import Outcome
from loadcheck.facts import Snapshot
from loadcheck.process import ProcessFailed
from loadcheck.record import environment
from loadcheck.report import write_all
from loadcheck.report.results_file import Record
from loadcheck.result import Result

WRITTEN = ("results.json", "summary.csv", "metrics.txt", "report.html")
COMPARED = ("compare.json", "*/compare*.html")


class Options(Struct, frozen=True, kw_only=True):
    """What the command line says of all load tests.

    `project` is the folder that locustfiles are named from. `target` is a URL to load in place of the servers
    that tests would start; `bind` (`HOST:PORT`) is where `remote_workers` on other machines come to.
    """

    project: Path
    out: Path
    profile: str = "short"
    target: str = ""
    bind: str = ""
    remote_workers: int = 0


class LoadSession(Struct, kw_only=True):
    """The results and comparisons of a session, and where they go; `tell` hears of each run while it goes on.

    `folders` are those that its runs have; `lock` holds the folder of results against other sessions.
    """

    options: Options
    tell: Callable[[Snapshot | None], None] = lambda _: None
    results: list[Result] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    folders: set[Path] = field(default_factory=set)
    lock: int | None = None

    def new_folder(self, scenario: str, part: str = "") -> Path:
        """Name a folder that no run of this session has; the second of a name is numbered."""
        numbered = ("-".join(filter(None, (part, str(number)))) for number in itertools.count(2))
        places = (self.options.out / scenario / name for name in itertools.chain((part,), numbered))
        folder = next(place for place in places if place not in self.folders)
        self.folders.add(folder)
        return folder

    def clear(self) -> None:
        """Remove what an earlier session wrote: its verdicts must not outlive a session that breaks off.

        Raises:
            ProcessFailed: The results cannot be written there, or another session's are being written.
        """
        out = self.options.out
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProcessFailed(f"results cannot be written to {out}: {error.strerror}") from error
        self._lock()
        for name in (*WRITTEN, *COMPARED):
            for path in out.glob(name):
                path.unlink()

    def _lock(self) -> None:
        """Keep other sessions out of the folder, for as long as this one or its process lasts."""
        self.lock = os.open(self.options.out, os.O_RDONLY)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.unlock()
            raise ProcessFailed(f"another session is writing its results to {self.options.out}") from error

    def unlock(self) -> None:
        """Let other sessions have the folder."""
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None

    def write(self) -> None:
        """Write every file of results."""
        found = environment(self.options.project)
        record = Record(environment=found, profile=self.options.profile, results=tuple(self.results))
        write_all(self.options.out, record)
