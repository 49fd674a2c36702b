"""Users who ask several servers the same: each task is done on every side, back to back, in random order.

What a task draws by chance before its first request is the same on all sides. Each side has a user of its
own, with connections, cookies and tokens of its own. Connections are hung up every second: each has a fate of
its own, as congestion control paces one for as long as it lives and the next one not at all.
"""

import math
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import gevent
from locust import TaskSet, User
from locust.exception import RescheduleTask, StopUser

from loadcheck.run.sides import Side

Task = Callable[[Any], None]
FRESH_S = 1.0
CONTROL_FLOW = (RescheduleTask, StopUser)
"""What tells Locust what to do next is no error."""


class Meter:
    """One side's CPU clock: what a request cost is known where the server did nothing else meanwhile."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._running = 0
        self._begun = 0

    def begin(self) -> tuple[float, int]:
        """Take note of the start of a task."""
        self._begun += 1
        self._running += 1
        alone_as = self._begun if self._running == 1 else 0
        return self.side.cpu_s(), alone_as

    def cost_ms(self, begin: tuple[float, int]) -> float:
        """Return the CPU time since `begin`; NaN where another request ran meanwhile."""
        before_s, alone_as = begin
        return (self.side.cpu_s() - before_s) * 1_000 if alone_as == self._begun else math.nan

    def end(self) -> None:
        """Take note of the end of a task."""
        self._running -= 1


class Turn:
    """What the running greenlet asks: a side by its number, and what its CPU clock said at the start."""

    def __init__(self, side: int, meter: Meter) -> None:
        self.side = side
        self._meter = meter
        self._begin: tuple[float, int] | None = meter.begin()

    def take_cost_ms(self) -> float:
        """Return what the request that has just ended cost; a task's later requests are not known."""
        begin, self._begin = self._begin, None
        return self._meter.cost_ms(begin) if begin else math.nan

    def end(self) -> None:
        """Note that the task has ended."""
        self._meter.end()


def turn() -> Turn | None:
    """Return the running greenlet's turn; none where there is but one server."""
    found: Turn | None = getattr(gevent.getcurrent(), "turn", None)
    return found


class Pair(User):
    """A user of each side, who do one task after another together; made by `paired`."""

    abstract = True
    kinds: Sequence[type[User]]
    meters: Sequence[Meter]

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._users = [kind(environment) for kind in self.kinds]
        self._random = random.Random(random.random())  # noqa: S311 - load needs no cryptographic randomness
        self._fresh_until = 0.0

    def on_start(self) -> None:
        """Let all come."""
        self.on_all_sides(lambda user: user.on_start())

    def on_stop(self) -> None:
        """Let all go."""
        self.on_all_sides(lambda user: user.on_stop())

    def on_all_sides(self, task: Task) -> None:
        """Do a task on every side; what one raises is reported, and raised once all have had their turn."""
        self._hang_up_in_time()
        seed, next_seed = self._random.random(), self._random.random()
        sides = self._random.sample(range(len(self._users)), len(self._users))
        failed = [each for side in sides if (each := self._on_one(task, side, seed))]
        random.seed(next_seed)
        for number, (error, its_turn) in enumerate(failed, 1):
            vars(gevent.getcurrent())["turn"] = its_turn
            if number == len(failed):
                raise error  # Locust tells this one
            if not isinstance(error, CONTROL_FLOW):
                failure = {"exception": error, "tb": error.__traceback__}
                self.environment.events.user_error.fire(user_instance=self, **failure)

    def _hang_up_in_time(self) -> None:
        if (now := time.monotonic()) > self._fresh_until:
            self._fresh_until = now + FRESH_S
            for user in self._users:
                hang_up(user)

    def _on_one(self, task: Task, side: int, seed: float) -> tuple[Exception, Turn] | None:
        now = vars(gevent.getcurrent())["turn"] = Turn(side, self.meters[side])
        random.seed(seed)
        try:
            task(self._users[side])
        except Exception as error:  # noqa: BLE001 - the other sides are asked the same all the same
            return error, now
        finally:
            now.end()
        return None


def hang_up(user: Any) -> None:
    """Close the connections of Locust's HTTP users, be they made of geventhttpclient or of requests."""
    session = getattr(user, "client", None)
    close = getattr(getattr(session, "client", session), "close", None)
    if close is not None:
        close()


def paired(user: Any, meters: Sequence[Meter]) -> Any:
    """Make a user class ask all sides; raises ValueError where its tasks are not single functions."""
    if any(isinstance(task, type) and issubclass(task, TaskSet) for task in user.tasks):
        raise ValueError(f"{user.__name__} has task sets: to be compared, its tasks must be functions")
    kinds = [type(user)(user.__name__, (user,), {"host": meter.side.url}) for meter in meters]
    both = {task: _on_all_sides(task) for task in user.tasks}
    own = {
        "kinds": kinds,
        "meters": meters,
        "tasks": [both[task] for task in user.tasks],
        "wait_time": user.wait_time,
        "weight": user.weight,
        "abstract": False,
    }
    return type(Pair)(user.__name__, (Pair,), own)  # type: ignore[misc]  # Locust's own metaclass


def _on_all_sides(task: Task) -> Callable[[Pair], None]:
    def on_all_sides(pair: Pair) -> None:
        pair.on_all_sides(task)

    return on_all_sides
