"""Drives a server with wrk and reads what it prints; the figures are those of wrk's own histogram."""

import math
import resource
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

SCRIPT = Path(__file__).with_name("requests.lua")
ANSWER_WITHIN_S = 30
STOPS_WITHIN_S = 30.0
CONNECTIONS = 32


class WrkFailed(Exception):
    """wrk is missing, did not run or printed nothing."""


class Ask(Struct, frozen=True):
    """A request: what is asked, its headers apart."""

    path: str
    method: str = "GET"
    body: str = ""

    def line(self) -> str:
        """Return it as the script reads it."""
        return f"{self.method}\t{self.path}\t{self.body}\n"


class Counts(Struct, frozen=True, kw_only=True):
    """What the script printed, in microseconds and bytes.

    Attributes:
        refused: Answers with a status of 400 or more.
        broken: Connections that failed, and answers that did not come in time.
    """

    requests: int
    elapsed_us: float
    received: int
    p50_us: float
    p99_us: float
    refused: int
    broken: int

    @property
    def requests_per_s(self) -> float:
        """The rate of completed requests."""
        return self.requests / (self.elapsed_us / 1e6)

    def problem(self, smallest_bytes: float) -> str:
        """Return why this is no measure; empty where it is one.

        Args:
            smallest_bytes: How long an answer is on average, at least: fewer bytes are other answers.
        """
        if not self.requests:
            return "nothing was answered"
        if self.refused or self.broken:
            return f"{self.refused} requests were refused, {self.broken} broke off"
        if self.received / self.requests < smallest_bytes:
            return f"{self.received / self.requests:.0f} bytes an answer, {smallest_bytes:.0f} were expected"
        return ""


class Drive(Struct, frozen=True, kw_only=True):
    """One run of wrk: one thread; each of 32 connections asks again `pause_ms` after it was answered."""

    url: str
    asks: Path
    begin: int
    seconds: float
    headers: Mapping[str, str]
    pause_ms: int = 0

    def command(self) -> list[str]:
        """Return it as typed; wrk knows whole seconds only."""
        words = [
            *(
                "wrk",
                "--threads=1",
                f"--connections={CONNECTIONS}",
                f"--duration={math.ceil(self.seconds)}s",
            ),
            *(f"--timeout={ANSWER_WITHIN_S}s", f"--script={SCRIPT}"),
        ]
        headers = [f"--header={name}: {value}" for name, value in self.headers.items()]
        return [*words, *headers, self.url, "--", str(self.asks), str(self.begin), str(self.pause_ms)]


def is_installed() -> bool:
    """Return whether wrk is on the PATH."""
    return shutil.which("wrk") is not None


def write_asks(asks: Sequence[Ask], path: Path) -> Path:
    """Write requests where the script reads them; return the file."""
    path.write_text("".join(ask.line() for ask in asks), encoding="utf-8")
    return path


def run(drive: Drive) -> tuple[Counts, float]:
    """Run it to its end; return what it printed, and its own CPU time in seconds.

    Raises:
        WrkFailed: It did not run, or printed nothing.
    """
    before_s = _childrens_cpu_s()
    try:
        done = subprocess.run(  # noqa: S603  # our own words
            drive.command(),
            capture_output=True,
            text=True,
            timeout=drive.seconds + STOPS_WITHIN_S,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise WrkFailed(f"wrk ended with {error.returncode}: {error.stdout}{error.stderr}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WrkFailed(f"wrk did not run: {error}") from error
    return read(done.stdout), _childrens_cpu_s() - before_s


def read(output: str) -> Counts:
    """Return the script's line, the last of wrk's output.

    Raises:
        WrkFailed: There is none.
    """
    lines = output.strip().splitlines() or [""]
    try:
        return msgspec.json.decode(lines[-1], type=Counts)
    except msgspec.MsgspecError as error:
        raise WrkFailed(f"wrk printed no figures: {output[-500:]!r}") from error


def _childrens_cpu_s() -> float:
    """Return the CPU time of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
