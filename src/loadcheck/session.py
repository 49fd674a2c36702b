"""A pytest session's load tests: what the command line says of them, their results, and where these go."""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct, field

from loadcheck.facts import Snapshot
from loadcheck.process import ProcessFailed
from loadcheck.record import environment
from loadcheck.report import write_all
from loadcheck.report.results_file import Record
from loadcheck.result import Result

WRITTEN = ("results.json", "summary.csv", "metrics.txt", "report.html")


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
    """The results of a session and where they go; `tell` hears of each run while it goes on."""

    options: Options
    tell: Callable[[Snapshot | None], None] = lambda _: None
    results: list[Result] = field(default_factory=list)

    def clear(self) -> None:
        """Remove what an earlier session wrote: its verdicts must not outlive a session that breaks off.

        Raises:
            ProcessFailed: The results cannot be written there.
        """
        out = self.options.out
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProcessFailed(f"results cannot be written to {out}: {error.strerror}") from error
        for name in WRITTEN:
            (out / name).unlink(missing_ok=True)

    def write(self) -> None:
        """Write every file of results."""
        found = environment(self.options.project)
        record = Record(environment=found, profile=self.options.profile, results=tuple(self.results))
        write_all(self.options.out, record)
