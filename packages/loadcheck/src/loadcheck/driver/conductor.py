"""Who makes the users come and go: this process alone, or (see master.py) its workers."""

from collections.abc import Sequence
from typing import Protocol

import gevent
from locust import events
from locust.env import Environment
from locust.runners import Runner
from locust.stats import stats_history

from loadcheck.driver.clock import Clock
from loadcheck.driver.load import Load, LoadFacts, Share
from loadcheck.driver.users.pairs import Meter
from loadcheck.model.sample_file import BlockWriter
from loadcheck.model.workload import Arrivals, Users, Workload

SPAWN_GRACE_S = 5.0


class Conductor(Protocol):
    """Brings a workload's stages about."""

    @property
    def runner(self) -> Runner:
        """Locust's runner."""

    def spawn(self, stage: Users) -> bool:
        """Bring the users to a stage's number; False when that takes far longer than its rate says."""

    def arrive(self, stage: Arrivals) -> None:
        """Let users arrive at a stage's rate from now on."""

    def finish(self, judged_from_s: float) -> list[LoadFacts]:
        """Let the users finish; return how it went, process by process."""

    def close(self) -> None:
        """End all that runs."""


class LocalConductor:
    """All users run in this process."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a process plays a workload with
        self,
        workload: Workload,
        host: str,
        writers: Sequence[BlockWriter],
        clock: Clock,
        meters: Sequence[Meter] = (),
        echo: tuple[str, int] | None = None,
    ) -> None:
        self._load = Load(workload, writers, clock, Share(), meters, echo=echo)
        environment = Environment(user_classes=self._load.user_classes, host=host, events=events)
        self.runner: Runner = environment.create_local_runner()
        self._history = gevent.spawn(stats_history, self.runner)
        events.init.fire(environment=environment, runner=self.runner, web_ui=None)  # type: ignore[no-untyped-call]  # Locust's events are untyped

    def spawn(self, stage: Users) -> bool:
        """Start the users and wait until all run."""
        self.runner.start(stage.users, stage.spawn_rate)
        spawning = self.runner.spawning_greenlet
        if spawning is None:
            raise AssertionError("a started runner spawns")
        spawning.join(timeout=stage.spawn_s + SPAWN_GRACE_S)
        return bool(spawning.successful())

    def arrive(self, stage: Arrivals) -> None:
        """Let them come."""
        self._load.arrive(stage)

    def finish(self, judged_from_s: float) -> list[LoadFacts]:
        """Let them finish."""
        return [self._load.finish(self.runner, judged_from_s)]

    def close(self) -> None:
        """End Locust's own timers too."""
        self._history.kill()
        self.runner.quit()
