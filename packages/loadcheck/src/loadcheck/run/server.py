"""Start a server on a free port, wait until it answers, watch what it consumes, stop it in every case."""

import contextlib
import re
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from msgspec import Struct, field

from loadcheck.model.resources import Moment, Usage
from loadcheck.run.process import ChildProcess, ProcessFailed
from loadcheck.run.target import HOST, Target
from loadcheck.run.usage import UsageWatch, timeline, usage_between

POLL_EVERY_S = 0.02

SECRET_NAMES = re.compile(r"key|secret|token|passw|auth|credential|bearer|dsn", re.IGNORECASE)
MASK = "***"


class Program(Struct, frozen=True, kw_only=True):
    """How to start a server: `{port}` in its command becomes the port, 0 picks a free one.

    It is ready once `ready_path` answers 2xx (empty: once it takes connections), within `ready_within_s`
    seconds of its start. `lag_metric` names a gauge, in seconds, on its page `metrics_path` in Prometheus'
    text format: how late its event loop wakes. It runs in `folder`.
    """

    name: str
    command: tuple[str, ...]
    ready_path: str = ""
    ready_within_s: float = 20.0
    port: int = 0
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    metrics_path: str = "/metrics"
    lag_metric: str = ""

    def settings(self) -> dict[str, str]:
        """Return its command and environment, secrets masked, the program without its folder."""
        return {
            "command": shown(self.command),
            **{name: MASK if is_secret(name) else value for name, value in self.env.items()},
        }


def asgi(app: str, *, folder: Path, **settings: str) -> Program:
    """Return how to run an ASGI app (`package.module:app`) by uvicorn; `settings` are its environment."""
    options = (
        f"--host={HOST}",
        "--port={port}",
        f"--app-dir={folder}",
        "--no-access-log",
        "--log-level=warning",
        "--timeout-graceful-shutdown=1",
    )
    command = (sys.executable, "-m", "uvicorn", app, *options)
    return Program(
        name=app.partition(":")[0].rpartition(".")[2], command=command, env=settings, folder=folder
    )


class Server(ChildProcess, Target):
    """A server process; its readings begin with its start and end with it.

    `ready_s` is how many seconds it took from its start until it was ready, None before.
    """

    def __init__(self, program: Program, *, log: Path) -> None:
        self.program = program
        self.port = program.port or free_port()
        refuse_taken(self.port, program.name)
        Target.__init__(self, program.name, f"http://{HOST}:{self.port}")
        command = [word.replace("{port}", str(self.port)) for word in program.command]
        self.ready_s: float | None = None
        self._begun = time.monotonic()
        ChildProcess.__init__(self, command, log=log, env=program.env, folder=program.folder)
        self._watch = UsageWatch(self.pid, self._lag_ms if program.lag_metric else None)

    def stop(self) -> None:
        """End the server and the watch over it."""
        try:
            self._watch.stop()
        finally:
            super().stop()

    def shown_command(self) -> str:
        """Return its command without secrets."""
        return shown(self.program.command)

    @property
    def is_watched(self) -> bool:
        """Was there anything to read? What nobody could look at has no figures."""
        return bool(self._watch.readings)

    def usage(self, start: float, end: float) -> Usage:
        """Sum up what it consumed between two moments, in seconds since the epoch."""
        return usage_between(tuple(self._watch.readings), start, end)

    def timeline(self, start: float, end: float) -> tuple[Moment, ...]:
        """Return its readings between two moments, in seconds since the epoch."""
        return timeline(tuple(self._watch.readings), start, end)

    def wait_until_ready(self, path: str | None = None, within_s: float | None = None) -> None:
        """Wait until a path answers 2xx; raise `ProcessFailed` when it ends or the time has passed."""
        path = path or self.program.ready_path
        within_s = within_s or self.program.ready_within_s
        deadline = time.monotonic() + within_s
        while not (self.answers(path) if path else self.takes_connections()):
            what = path or "a connection"
            if self.exit_code is not None:
                raise ProcessFailed(
                    self.describe(f"ended with code {self.exit_code} before it answered {what}")
                )
            if time.monotonic() > deadline:
                raise ProcessFailed(self.describe(f"did not answer {what} within {within_s:g} s"))
            time.sleep(POLL_EVERY_S)
        if self.ready_s is None:
            self.ready_s = time.monotonic() - self._begun

    def takes_connections(self) -> bool:
        """Return whether it listens."""
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
            return True
        return False

    def _lag_ms(self) -> float | None:
        lag_s = self.metric(self.program.metrics_path, self.program.lag_metric)
        return None if lag_s is None else lag_s * 1_000


@contextlib.contextmanager
def serving(program: Program, *, logs: Path) -> Iterator[Server]:
    """Run a server that is ready, its output in `logs`; it is stopped with its children in every case."""
    with Server(program, log=logs / f"{program.name}.log") as server:
        server.wait_until_ready()
        yield server


def refuse_taken(port: int, name: str) -> None:
    """Raise `ProcessFailed` when somebody listens on a port: it is their answers that would be measured."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ProcessFailed(f"{name} was not started: port {port} is taken ({error})") from error


def free_port() -> int:
    """Return a port that is free now; the system hands each out only after all others were in use."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def shown(command: Sequence[str]) -> str:
    """Write a command for people: secrets masked, the program without its folder."""
    words = [Path(command[0]).name, *command[1:]]
    return " ".join(masked(before, word) for before, word in pairwise(["", *words]))


def masked(before: str, word: str) -> str:
    """Hide a word of a command that is a secret's value: `--key VALUE` or `--key=VALUE`."""
    name, has_value, _ = word.partition("=")
    if has_value and is_secret(name):
        return f"{name}={MASK}"
    return MASK if is_secret(before) and "=" not in before else word


def is_secret(name: str) -> bool:
    """Return whether the name of a setting or option says that its value is a secret."""
    return bool(SECRET_NAMES.search(name))
