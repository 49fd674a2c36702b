"""The users of one process, alone or as a worker: what they do is recorded here, and how it went."""

import random
from collections.abc import Sequence

import gevent
import numpy as np
from locust import User, events
from locust.runners import Runner
from locust.user.task import LOCUST_STATE_STOPPING
from msgspec import Struct

from loadcheck.driver.clock import Clock
from loadcheck.driver.pulse import Cost, EchoCaller, Pulse
from loadcheck.driver.recorder import Recorder
from loadcheck.driver.users.arrivals import ArrivalProcess, Callers
from loadcheck.driver.users.classes import Waits, load_users
from loadcheck.driver.users.clients import tell_of_every_request
from loadcheck.driver.users.pairs import Meter
from loadcheck.model.facts import Spread
from loadcheck.model.sample_file import BlockWriter
from loadcheck.model.workload import Arrivals, Workload

FINISH_GRACE_S = 1.0
FLUSH_EVERY_S = 0.5


class LoadFacts(Struct, frozen=True, kw_only=True):
    """How one process's part of the run went; see `GeneratorFacts` and `ArrivalFacts` for the figures.

    `dropped_at` is in seconds since the epoch.
    """

    cpu_share: float
    lag_p95_ms: float
    waits_s: float
    waits: int
    unfinished_users: int
    due: int
    dropped_at: tuple[float, ...]
    late_p95_ms: float
    echo: Spread | None = None


class Share(Struct, frozen=True):
    """The part that a process has in a workload, counted from 0, of so many."""

    part: int = 0
    parts: int = 1


class Load:
    """Makes the users of a workload and records what they do, each side's samples with its writer."""

    def __init__(  # noqa: PLR0913 - what a process plays a part of a workload with
        self,
        workload: Workload,
        writers: Sequence[BlockWriter],
        clock: Clock,
        share: Share,
        meters: Sequence[Meter] = (),
        *,
        echo: tuple[str, int] | None = None,
    ) -> None:
        random.seed(workload.seed + share.part)
        tell_of_every_request(workload.network_timeout_s)
        self._workload = workload
        self._clock = clock
        self._waits = Waits()
        self._callers = Callers(clock, workload.network_timeout_s)
        self._arrivals = ArrivalProcess(workload, self._callers, clock, share.part, share.parts)
        self._writers = writers
        self._recorder = Recorder(writers, clock)
        events.request.add_listener(self._recorder.on_request)  # type: ignore[no-untyped-call]  # Locust's events are untyped
        events.user_error.add_listener(self._recorder.on_user_error)  # type: ignore[no-untyped-call]  # likewise
        self.user_classes: list[type[User]] = load_users(workload, self._waits, self._callers, meters)
        self._pulse, self._cost = Pulse(clock), Cost()
        self._echo = EchoCaller(echo, clock) if echo else None
        self._flushing = gevent.spawn(self._flush_often)

    def arrive(self, stage: Arrivals) -> None:
        """Let users arrive at a stage's rate, once all callers have come."""
        self._callers.wait_until_all_came()
        self._arrivals.start(stage)

    def finish(self, runner: Runner, judged_from_s: float) -> LoadFacts:
        """Stop asking, let the users finish, tell how it went."""
        cpu_share, _ = self._cost.cores()
        self._arrivals.stop()
        self._pulse.stop()
        if self._echo:
            self._echo.stop()
        self._callers.let_line_through()
        self._callers.close()
        unfinished = self._let_users_finish(runner)
        self._flushing.kill()
        self._flush()
        late_ms = self._callers.late_ms
        return LoadFacts(
            cpu_share=cpu_share,
            lag_p95_ms=self._pulse.lag_p95_ms(),
            waits_s=self._waits.total_s,
            waits=self._waits.count,
            unfinished_users=unfinished,
            due=sum(at_s >= judged_from_s for at_s in self._callers.due_s),
            dropped_at=tuple(self._clock.started_at + at_s for at_s in self._callers.dropped_s),
            late_p95_ms=float(np.quantile(late_ms, 0.95)) if late_ms else 0.0,
            echo=self._echo.spread(judged_from_s) if self._echo else None,
        )

    def _let_users_finish(self, runner: Runner) -> int:
        """Stop the users, each after its answer; who gets none in time has failed: return how many.

        Cutting requests off would drop the slowest from the samples.
        """
        for greenlet in list(runner.user_greenlets):
            user = greenlet.args[0] if greenlet.args else None
            if user is not None and user._state != LOCUST_STATE_STOPPING:  # noqa: SLF001 - as Locust's runner does
                user.stop()
        runner.user_greenlets.join(timeout=self._workload.network_timeout_s + FINISH_GRACE_S)
        unfinished = len(runner.user_greenlets)
        for _ in range(unfinished):
            self._recorder.add_failure("no answer by the end of the run")
        return unfinished

    def _flush_often(self) -> None:
        while True:
            gevent.sleep(FLUSH_EVERY_S)
            self._flush()

    def _flush(self) -> None:
        for writer in self._writers:
            writer.flush()
