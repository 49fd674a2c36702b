"""What a run asks of the load generator, as data: which users, how many, for how long."""

from typing import Literal

from msgspec import Struct

MARGIN_S = 30.0
"""What a run may take beyond its plan (imports, the users' last answers) before it is killed, in seconds."""


class UserClass(Struct, frozen=True, kw_only=True):
    """One kind of simulated user: a class in a locustfile.

    `weight` is its share among the users; `wait_s` replaces the class's own wait by one drawn evenly
    between two bounds, in seconds.
    """

    locustfile: str
    name: str
    weight: int = 1
    wait_s: tuple[float, float] | None = None


class Stage(Struct, frozen=True, kw_only=True):
    """Bring the number of users to `users`, `spawn_rate` a second, then hold it for `hold_s` seconds."""

    users: int
    spawn_rate: float
    hold_s: float

    @property
    def spawn_s(self) -> float:
        """The seconds that spawning takes at most."""
        return self.users / self.spawn_rate


class Workload(Struct, frozen=True, kw_only=True):
    """A closed workload: users who wait for an answer, then think, then ask again.

    Answers are judged from `warm_up_s` seconds after the first stage has spawned (`judge="warm"`) or from
    the first on (`judge="all"`, for bursts). A server that is silent for `network_timeout_s` has failed.

    Raises:
        ValueError: The users become fewer: those who leave would take their slowest requests with them.
    """

    users: tuple[UserClass, ...]
    stages: tuple[Stage, ...]
    warm_up_s: float = 0.0
    judge: Literal["warm", "all"] = "warm"
    network_timeout_s: float = 10.0
    seed: int = 1

    def __post_init__(self) -> None:
        counts = [stage.users for stage in self.stages]
        if counts != sorted(counts):
            raise ValueError(f"stages must not lose users: {counts}")

    @property
    def planned_s(self) -> float:
        """The seconds a run takes when all goes well."""
        return self.warm_up_s + sum(stage.spawn_s + stage.hold_s for stage in self.stages)

    @property
    def deadline_s(self) -> float:
        """The seconds after which a run has hung and is killed."""
        return self.planned_s + 2 * self.network_timeout_s + MARGIN_S
