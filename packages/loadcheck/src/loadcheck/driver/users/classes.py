"""Users from locustfiles, fitted to a workload."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from locust import TaskSet, User, between
from locust.util.load_locustfile import load_locustfile

from loadcheck.driver.users.arrivals import Callers
from loadcheck.driver.users.pairs import Meter, paired
from loadcheck.model.workload import UserClass, Workload


class Waits:
    """The waits that the users drew: with them the rate that closed users offer is known, not assumed."""

    def __init__(self) -> None:
        self.total_s = 0.0
        self.count = 0

    def recording(self, wait_time: Callable[[User], float]) -> Callable[[User], float]:
        """Wrap a class's `wait_time`, counting what it returns."""

        def draw(user: User) -> float:
            wait_s = wait_time(user)
            self.total_s += wait_s
            self.count += 1
            return wait_s

        return draw


def load_users(
    workload: Workload, waits: Waits, callers: Callers, meters: Sequence[Meter] = ()
) -> list[type[User]]:
    """Load the workload's users from their locustfiles; in an open workload they wait for arrivals.

    Where there are `meters`, each user asks all their sides.
    """
    return [_load_user(spec, workload, waits, callers, meters) for spec in workload.users]


def _load_user(
    spec: UserClass, workload: Workload, waits: Waits, callers: Callers, meters: Sequence[Meter]
) -> type[User]:
    found, _ = load_locustfile(spec.locustfile)
    user: Any = found[spec.name]
    user.weight = spec.weight
    user.network_timeout = user.connection_timeout = workload.network_timeout_s
    if meters:
        user = paired(user, meters)
    own = [each for each in task_sets(user.tasks) if each.wait_time is not TaskSet.wait_time]
    if workload.is_open:
        for each in own:
            each.wait_time = _wait_for_arrival(callers)
        return _called(user, callers)
    for each in (user, *own):
        each.wait_time = waits.recording(between(*spec.wait_s) if spec.wait_s else each.wait_time)
    return user  # type: ignore[no-any-return]  # Locust finds users by name and types them loosely


def task_sets(tasks: Iterable[Any]) -> Iterator[Any]:
    """Find the task sets among tasks, and those within them, each once: they may have waits of their own."""
    for each in dict.fromkeys(tasks):
        if isinstance(each, type) and issubclass(each, TaskSet):
            yield each
            yield from task_sets(each.tasks)


def _wait_for_arrival(callers: Callers) -> Callable[[TaskSet], float]:
    """Put a wait for the next arrival in the place of a task set's own."""

    def wait_time(self: TaskSet) -> float:
        callers.wait_for_arrival(self.user)
        return 0.0

    return wait_time


def _called(user: Any, callers: Callers) -> type[User]:
    """Make a user do one task for each arrival, from the first on."""

    def on_start(self: Any) -> None:
        with callers.coming():
            user.on_start(self)
        callers.wait_for_arrival(self)

    def wait_time(self: Any) -> float:
        callers.wait_for_arrival(self)
        return 0.0

    return type(user)(user.__name__, (user,), {"on_start": on_start, "wait_time": wait_time})  # type: ignore[no-any-return]  # likewise
