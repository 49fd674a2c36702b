"""What a run asks of the load generator, as data: which users, how many or how often, for how long."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from msgspec import Struct

MARGIN_S = 30.0
"""What a run may take beyond its plan (imports, the users' last answers) before it is killed, in seconds."""


WORKERS_WITHIN_S = 60.0
"""How long a run's workers are waited for, first to come and then to load their users, in seconds."""


class UserClass(Struct, frozen=True, kw_only=True):
    """One kind of simulated user: a class in a locustfile.

    `weight` is its share among the users; `wait_s` replaces the class's own wait by one drawn evenly
    between two bounds, in seconds.
    """

    locustfile: str
    name: str
    weight: int = 1
    wait_s: tuple[float, float] | None = None


class Users(Struct, frozen=True, kw_only=True, tag=True):
    """A stage of a closed workload: go to `users`, `spawn_rate` a second, and hold them for `hold_s`."""

    users: int
    spawn_rate: float
    hold_s: float

    @property
    def spawn_s(self) -> float:
        """The seconds that spawning takes at most."""
        return self.users / self.spawn_rate


class Arrivals(Struct, frozen=True, kw_only=True, tag=True):
    """A stage of an open workload: `rate_per_s` users arrive a second for `hold_s` seconds, served or not."""

    rate_per_s: float
    hold_s: float

    @property
    def spawn_s(self) -> float:
        """Nothing is spawned when the rate changes."""
        return 0.0


Stage = Users | Arrivals


class Workload(Struct, frozen=True, kw_only=True):
    """What the load generator plays.

    A closed workload is users who wait for an answer, then think, then ask again; an open one is arrivals at
    a rate of their own. In an open workload each arrival does one task. It waits until one of `max_in_flight`
    callers is free, and is dropped, and counted, after `network_timeout_s`. `spread` says how arrivals follow
    each other: evenly (`constant`) or as independent people do (`poisson`).

    Answers are judged from `warm_up_s` seconds after the first stage has begun (`judge="warm"`) or from
    the first on (`judge="all"`, for bursts). A server that is silent for `network_timeout_s` has failed.
    `workers` is the number of processes that generate the load.

    Raises:
        ValueError: Stages of both kinds, or none; no users, rate or time; or users become fewer: those who
            leave would take their slowest requests with them.
    """

    users: tuple[UserClass, ...]
    stages: tuple[Stage, ...]
    spread: Literal["constant", "poisson"] = "poisson"
    max_in_flight: int = 100
    warm_up_s: float = 0.0
    judge: Literal["warm", "all"] = "warm"
    network_timeout_s: float = 10.0
    seed: int = 1
    workers: int = 1

    def __post_init__(self) -> None:
        if len({type(stage) for stage in self.stages}) != 1:
            raise ValueError("a workload has stages of users or stages of arrivals, at least one")
        counts = [stage.users for stage in self.stages if isinstance(stage, Users)]
        if counts != sorted(counts):
            raise ValueError(f"stages must not lose users: {counts}")
        if self.workers < 1:
            raise ValueError(f"workers must be 1 or more, not {self.workers}")
        times_s = (self.warm_up_s, *(stage.hold_s for stage in self.stages))
        if min(_more_than_none(self)) <= 0 or min(times_s) < 0:
            raise ValueError("users, rates, callers and time-outs are more than 0, and no time is less")
        if self.is_open and (needed := callers_needed(self.users)) > self.max_in_flight:
            raise ValueError(
                f"max_in_flight is {self.max_in_flight}: the lightest class has a caller from {needed} on"
            )

    @property
    def is_open(self) -> bool:
        """Do users arrive at a rate of their own?"""
        return isinstance(self.stages[0], Arrivals)

    @property
    def users_at_end(self) -> int:
        """The users, or callers, that the last stage asks for."""
        last = self.stages[-1]
        return last.users if isinstance(last, Users) else self.max_in_flight

    @property
    def judged_arrivals(self) -> float:
        """How many arrivals the stages ask for in the judged stretch, on average; 0 of a closed workload."""
        asked = [(stage.rate_per_s, stage.hold_s) for stage in self.stages if isinstance(stage, Arrivals)]
        warming_up = asked[0][0] * self.warm_up_s if asked and self.judge == "all" else 0.0
        return warming_up + sum(rate_per_s * hold_s for rate_per_s, hold_s in asked)

    @property
    def planned_s(self) -> float:
        """The seconds a run takes when all goes well."""
        return self.warm_up_s + sum(stage.spawn_s + stage.hold_s for stage in self.stages)

    @property
    def finish_s(self) -> float:
        """The seconds after the last stage in which who waits is answered: in line, then for the answer."""
        return (2 if self.is_open else 1) * self.network_timeout_s

    @property
    def deadline_s(self) -> float:
        """The seconds after which a run has hung and is killed."""
        gathering_s = 2 * WORKERS_WITHIN_S if self.workers > 1 else 0.0
        return self.planned_s + 2 * self.network_timeout_s + gathering_s + MARGIN_S


def _more_than_none(workload: Workload) -> Iterator[float]:
    yield from (workload.max_in_flight, workload.network_timeout_s)
    for stage in workload.stages:
        yield from (stage.users, stage.spawn_rate) if isinstance(stage, Users) else (stage.rate_per_s,)


def callers_needed(users: Sequence[UserClass]) -> int:
    """Return how many callers it takes for each class to have one, by their weights."""
    weights = [user.weight for user in users]
    return max((math.ceil(sum(weights) / weight) for weight in weights if weight > 0), default=0)


def closed(
    who: str | UserClass | Sequence[str | UserClass],
    *,
    users: int,
    hold_s: float,
    spawn_rate: float | None = None,
    **settings: Any,
) -> Workload:
    """Return a closed workload of one stage: `users`, `spawn_rate` a second, held for `hold_s` seconds.

    `who` names user classes, such as `"locustfiles/bot_traffic.py:WispHubAPIUser"`; `settings` are
    `Workload`'s.
    """
    stage = Users(users=users, spawn_rate=spawn_rate or users, hold_s=hold_s)
    return Workload(users=user_classes(who), stages=(stage,), **settings)


def arriving(
    who: str | UserClass | Sequence[str | UserClass], *, rate_per_s: float, hold_s: float, **settings: Any
) -> Workload:
    """Return an open workload of one stage; `who` and `settings` as in `closed`."""
    stage = Arrivals(rate_per_s=rate_per_s, hold_s=hold_s)
    return Workload(users=user_classes(who), stages=(stage,), **settings)


def user_classes(who: str | UserClass | Sequence[str | UserClass]) -> tuple[UserClass, ...]:
    """Read `file.py:Class`, alone or several; raises ValueError when a name is neither."""
    several = [who] if isinstance(who, str | UserClass) else who
    return tuple(each if isinstance(each, UserClass) else _user_class(each) for each in several)


def _user_class(name: str) -> UserClass:
    locustfile, colon, class_name = name.rpartition(":")
    if not (colon and locustfile and class_name.isidentifier()):
        raise ValueError(f'a user class is named "path/to/locustfile.py:ClassName", not {name!r}')
    return UserClass(locustfile=locustfile, name=class_name)
