"""Locust's worker: generates its part of the load and sends its samples to the master.

Its zero of time travels with its samples as seconds since the epoch: workers on several machines need clocks
that agree (NTP), workers on one share it.
"""

import subprocess
import sys
import time
from typing import Any

import msgspec
from locust import events
from locust.env import Environment
from locust.runners import WorkerRunner

from loadcheck.driver.clock import Clock
from loadcheck.driver.distributed.messages import ARRIVE, FACTS, FINISH, HELLO, LOAD, LOADED, SAMPLES, Order
from loadcheck.driver.load import Load, Share
from loadcheck.model.sample_file import BlockWriter
from loadcheck.model.workload import Arrivals

TRY_AGAIN_S = 1.0


def serve_masters(address: str) -> None:
    """Be a worker run after run, each in a fresh process, until ended; a master may come later."""
    while True:
        subprocess.run([sys.executable, "-m", "loadcheck.driver", "--once", "--worker", address], check=False)  # noqa: S603 - this very program
        time.sleep(TRY_AGAIN_S)


class Worker:
    """One worker's part in one run."""

    def __init__(self, master_host: str, master_port: int) -> None:
        self._clock = Clock()
        self._load: Load | None = None
        self._environment = Environment(events=events)
        self._runner: WorkerRunner = self._environment.create_worker_runner(master_host, master_port)
        self._runner.register_message(LOAD, self._on_load)
        self._runner.register_message(ARRIVE, self._on_arrive, concurrent=True)
        self._runner.register_message(FINISH, self._on_finish, concurrent=True)
        self._runner.send_message(HELLO)

    def run(self) -> None:
        """Serve until the master ends the run."""
        self._runner.greenlet.join()

    @property
    def load(self) -> Load:
        """The load, once the master has sent it."""
        if self._load is None:
            raise AssertionError("the master tells the workload first")
        return self._load

    def _on_load(self, environment: Environment, msg: Any) -> None:
        """Load the users; answer what went wrong, or nothing."""
        try:
            self._begin(environment, msg)
        except Exception as error:  # whatever the locustfile raises, the master waits for an answer
            self._runner.send_message(LOADED, f"{type(error).__name__}: {error}")  # type: ignore[arg-type]  # text travels well
            raise
        self._runner.send_message(LOADED)

    def _begin(self, environment: Environment, msg: Any) -> None:
        order = msgspec.json.decode(msg.data, type=Order)
        self._load = Load(
            order.workload,
            [
                BlockWriter(
                    lambda block: self._runner.send_message(SAMPLES, block),  # type: ignore[arg-type]  # bytes travel well
                    source=self._runner.worker_index,
                    zero=self._clock.started_at,
                )
            ],
            self._clock,
            Share(self._runner.worker_index, order.parts),
            echo=order.echo,
        )
        environment.user_classes = self._load.user_classes
        events.init.fire(environment=environment, runner=self._runner, web_ui=None)  # type: ignore[no-untyped-call]  # Locust's events are untyped

    def _on_arrive(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002 - Locust passes both
        self.load.arrive(msgspec.json.decode(msg.data, type=Arrivals))

    def _on_finish(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002 - likewise
        facts = self.load.finish(self._runner, judged_from_s=float(msg.data) - self._clock.started_at)
        self._runner.send_message(FACTS, msgspec.json.encode(facts))  # type: ignore[arg-type]  # likewise
