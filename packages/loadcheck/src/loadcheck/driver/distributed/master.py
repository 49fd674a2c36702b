"""Locust's master: workers generate the load, this process tells them when, and gathers their samples."""

from collections.abc import Callable
from typing import Any

import gevent
import msgspec
from gevent.event import Event
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner
from locust.stats import stats_history

from loadcheck.driver.clock import Clock
from loadcheck.driver.conductor import SPAWN_GRACE_S
from loadcheck.driver.distributed.messages import ARRIVE, FACTS, FINISH, HELLO, LOAD, LOADED, SAMPLES, Order
from loadcheck.driver.load import FINISH_GRACE_S, LoadFacts
from loadcheck.driver.users.arrivals import Callers
from loadcheck.driver.users.classes import Waits, load_users
from loadcheck.model.workload import WORKERS_WITHIN_S, Arrivals, Users, Workload

ANSWER_GRACE_S = 10.0


class WorkersLost(Exception):
    """Fewer workers answered than were asked, or one answered that it cannot."""


class Answers:
    """Counts the workers that have answered."""

    def __init__(self, expected: int, what: str) -> None:
        self.given: dict[str, Any] = {}
        self._expected = expected
        self._what = what
        self._are_all = Event()

    def on_answer(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002 - Locust passes both
        """Take note of one."""
        self.given[msg.node_id] = msg.data
        if len(self.given) == self._expected:
            self._are_all.set()

    def wait(self, timeout_s: float) -> None:
        """Wait for all; raises `WorkersLost`."""
        if not self._are_all.wait(timeout_s):
            text = f"{len(self.given)} of {self._expected} workers {self._what}"
            raise WorkersLost(f"{text} within {timeout_s:.0f} s")

    def insist(self) -> None:
        """Raise `WorkersLost` when an answer tells what went wrong."""
        if problem := next(filter(None, self.given.values()), ""):
            raise WorkersLost(f"a worker could not begin: {problem}")


class MasterConductor:
    """The users run in worker processes, on this machine or others."""

    def __init__(  # noqa: PLR0913 - what a master plays a workload with
        self,
        workload: Workload,
        host: str,
        hand_on: Callable[[bytes], None],
        clock: Clock,
        *,
        bind: tuple[str, int],
        echo: tuple[str, int] | None = None,
    ) -> None:
        self._workload = workload
        self._clock = clock
        self._echo = echo
        users = load_users(workload, Waits(), Callers(clock, 0))  # Locust's master shares them out by name
        environment = Environment(user_classes=users, host=host, events=events)
        self.runner: MasterRunner = environment.create_master_runner(*bind)
        self._history = gevent.spawn(stats_history, self.runner)
        self._hello = Answers(workload.workers, "came")
        self._loaded = Answers(workload.workers, "loaded the users")
        self._facts = Answers(workload.workers, "finished")
        self.runner.register_message(HELLO, self._hello.on_answer)
        self.runner.register_message(LOADED, self._loaded.on_answer)
        self.runner.register_message(FACTS, self._facts.on_answer)
        self.runner.register_message(SAMPLES, lambda environment, msg: hand_on(msg.data))  # noqa: ARG005 - as Locust calls it
        try:
            self._gather()
        except WorkersLost:
            self.close()  # who did come is free for the next run
            raise

    def _gather(self) -> None:
        """Wait for the workers, and until they have loaded their users; raises `WorkersLost`."""
        self._hello.wait(WORKERS_WITHIN_S)
        self._tell_all(LOAD, Order(workload=self._workload, parts=self._workload.workers, echo=self._echo))
        self._loaded.wait(WORKERS_WITHIN_S)
        self._loaded.insist()

    def spawn(self, stage: Users) -> bool:
        """Let Locust's master share the users out, and wait until all run."""
        spawning = gevent.spawn(self.runner.start, stage.users, stage.spawn_rate)
        spawning.join(timeout=stage.spawn_s + SPAWN_GRACE_S)
        return bool(spawning.successful()) and self.runner.user_count == stage.users

    def arrive(self, stage: Arrivals) -> None:
        """Each worker lets its part of them come."""
        self._tell_all(ARRIVE, stage)

    def finish(self, judged_from_s: float) -> list[LoadFacts]:
        """Let the users of all workers finish; raises `WorkersLost`."""
        self._tell_all(FINISH, self._clock.started_at + judged_from_s)
        self._facts.wait(self._workload.finish_s + FINISH_GRACE_S + ANSWER_GRACE_S)
        return [msgspec.json.decode(data, type=LoadFacts) for data in self._facts.given.values()]

    def close(self) -> None:
        """Send the workers home."""
        self._history.kill()
        self.runner.quit()

    def _tell_all(self, name: str, payload: Any) -> None:
        self.runner.send_message(name, msgspec.json.encode(payload))  # type: ignore[arg-type]  # bytes travel well by msgpack
