"""A workload's stages in turn, and the facts of the run."""

from collections.abc import Sequence

import gevent
import psutil
from locust.runners import Runner

from loadcheck.driver.clock import Clock
from loadcheck.driver.conductor import Conductor
from loadcheck.driver.load import LoadFacts
from loadcheck.driver.progress import Progress
from loadcheck.driver.pulse import Cost, timer_spread
from loadcheck.model.facts import ArrivalFacts, Floor, GeneratorFacts, Spread, Window
from loadcheck.model.workload import Users, Workload

COUNT_EVERY_S = 0.25


class Head:
    """Counts the users four times a second."""

    def __init__(self, runner: Runner, clock: Clock) -> None:
        self.counts: list[tuple[float, int]] = []
        self._runner = runner
        self._clock = clock
        self._greenlet = gevent.spawn(self._count)

    def stop(self) -> None:
        """End it with a last look."""
        self._greenlet.kill()
        self._look()

    def mean(self, from_s: float) -> float:
        """Return the mean number of users since a moment of the run."""
        counts = [count for at_s, count in self.counts if at_s >= from_s]
        return sum(counts) / len(counts) if counts else 0.0

    def _count(self) -> None:
        while True:
            self._look()
            gevent.sleep(COUNT_EVERY_S)

    def _look(self) -> None:
        self.counts.append((self._clock.elapsed_s(), self._runner.user_count))


def play(
    workload: Workload,
    conductor: Conductor,
    clock: Clock,
    progress: Progress,
    echo: tuple[str, int] | None = None,
) -> GeneratorFacts:
    """Spawn, warm up, hold, let the users finish; return how it went."""
    head, cost = Head(conductor.runner, clock), Cost()
    progress.start(conductor.runner)
    has_spawned, judged_from_s = play_stages(workload, conductor, clock)
    ended_s = clock.elapsed_s()
    _, busy_cores = cost.cores()
    head.stop()
    parts = conductor.finish(judged_from_s)
    own_cores, _ = cost.cores()
    progress.stop()
    return GeneratorFacts(
        started_at=clock.started_at,
        ended_s=ended_s,
        judged=Window(start_s=judged_from_s, end_s=ended_s, users=head.mean(judged_from_s)),
        has_spawned=has_spawned,
        cpu_share=max(part.cpu_share for part in parts),
        own_cores=sum(part.cpu_share for part in parts) + (own_cores if len(parts) > 1 else 0.0),
        machine_busy_cores=busy_cores,
        machine_cores=psutil.cpu_count() or 1,
        lag_p95_ms=max(part.lag_p95_ms for part in parts),
        mean_wait_s=sum(part.waits_s for part in parts) / max(sum(part.waits for part in parts), 1),
        unfinished_users=sum(part.unfinished_users for part in parts),
        users=tuple(head.counts),
        arrivals=arrival_facts(parts, clock, judged_from_s) if workload.is_open else None,
        floor=floor(parts, echo, clock.started_at + judged_from_s),
    )


def floor(parts: Sequence[LoadFacts], echo: tuple[str, int] | None, since: float) -> Floor | None:
    """Return what the machine itself took since a moment, by the process for which it took longest."""
    spreads = [part.echo for part in parts if part.echo]
    if not spreads or echo is None:
        return None
    worst = {name: max(getattr(each, name) for each in spreads) for name in Spread.__struct_fields__}
    return Floor(echo=Spread(**worst), timer=timer_spread(echo, since))


def arrival_facts(parts: Sequence[LoadFacts], clock: Clock, judged_from_s: float) -> ArrivalFacts:
    """Put the processes' counts together."""
    dropped_s = sorted(at - clock.started_at for part in parts for at in part.dropped_at)
    return ArrivalFacts(
        due=sum(part.due for part in parts),
        dropped=sum(at_s >= judged_from_s for at_s in dropped_s),
        late_p95_ms=max(part.late_p95_ms for part in parts),
        dropped_s=tuple(dropped_s),
    )


def play_stages(workload: Workload, conductor: Conductor, clock: Clock) -> tuple[bool, float]:
    """Play the stages in turn; return whether all users came up, and when the judged stretch began."""
    has_spawned = True
    if workload.is_open:
        in_flight = workload.max_in_flight
        has_spawned = conductor.spawn(Users(users=in_flight, spawn_rate=in_flight, hold_s=0))
    judged_from_s = clock.elapsed_s() if workload.is_open else 0.0
    for number, stage in enumerate(workload.stages):
        if isinstance(stage, Users):
            has_spawned &= conductor.spawn(stage)
        else:
            conductor.arrive(stage)
        if number == 0 and workload.judge == "warm":
            gevent.sleep(workload.warm_up_s)
            judged_from_s = clock.elapsed_s()
        gevent.sleep(stage.hold_s)
    return has_spawned, judged_from_s
