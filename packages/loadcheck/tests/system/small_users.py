"""Users of the small server, each asking for one of its behaviours."""

import math
import os
import signal
import time
from types import SimpleNamespace
from typing import Any

from gevent.event import Event
from locust import FastHttpUser, HttpUser, TaskSet, constant, task
from locust.exception import RescheduleTask, StopUser
from locust.user.users import User


class Asking(FastHttpUser):
    """Asks one path and checks the content."""

    abstract = True
    path = "/good"
    wait_time = constant(0.05)

    @task
    def ask(self) -> None:
        with self.client.get(self.path, name=self.path, catch_response=True) as response:
            if response.status_code == 200 and response.content != b'[{"id":7}]':
                response.failure("wrong content")


class Good(Asking):
    path = "/good"


class Told(FastHttpUser):
    """Asks under the name that the environment gives."""

    wait_time = constant(0.05)

    @task
    def ask(self) -> None:
        self.client.get("/good", name=os.environ["TOLD"])


class Broken(Asking):
    path = "/broken"


class Wrong(Asking):
    path = "/wrong"


class Slow(Asking):
    path = "/slow"


class LateBody(Asking):
    path = "/late-body"


class Hanging(Asking):
    path = "/hang"


class Killer(Asking):
    path = "/die"
    fixed_count = 1
    wait_time = constant(0.5)


class Twice(FastHttpUser):
    """Asks two questions, one after the other, for each arrival."""

    @task
    def ask_twice(self) -> None:
        self.client.get("/slow", name="/slow")
        self.client.get("/stale?of=a-subscriber")


class Plain(HttpUser):
    """Asks with Locust's other client."""

    wait_time = constant(0.05)

    @task
    def ask(self) -> None:
        self.client.get("/late-body", name="/plain")


class PlainHanging(HttpUser):
    """Asks with Locust's other client, which has no time-out of its own."""

    wait_time = constant(0.05)

    @task
    def ask(self) -> None:
        self.client.get("/hang", name="/plain-hang")


class Stalled(Asking):
    path = "/stall"


class PlainStalled(HttpUser):
    wait_time = constant(0.05)

    @task
    def ask(self) -> None:
        self.client.get("/stall", name="/plain-stall")


class Turning(FastHttpUser):
    """Turns its back on an answer it does not like."""

    wait_time = constant(0.05)

    @task
    def turn_back(self) -> None:
        with self.client.get("/broken?of=a-subscriber", catch_response=True):
            raise RescheduleTask


class PlainTurning(HttpUser):
    wait_time = constant(0.05)

    @task
    def turn_back(self) -> None:
        with self.client.get("/broken", name="/plain-broken", catch_response=True):
            raise RescheduleTask


class Unhurried(FastHttpUser):
    """Waits by a task set's own wait."""

    wait_time = constant(5)

    @task
    class Asks(TaskSet):
        wait_time = constant(0.01)

        @task
        def ask(self) -> None:
            self.client.get("/good", name="/unhurried")


class Leaving(Asking):
    """Asks once and goes."""

    @task
    def leave(self) -> None:
        raise StopUser


class Polite(Asking):
    """Says goodbye when told to leave."""

    def on_stop(self) -> None:
        self.client.get("/good", name="/bye")


class Member(Asking):
    """Logs in before it asks."""

    def on_start(self) -> None:
        self.client.get("/slow", name="/login")


class Raising(User):
    wait_time = constant(0.05)

    @task
    def fail(self) -> None:
        raise KeyError("a subscriber's name")


class Starving(Asking):
    """Burns the generator's own core between its requests."""

    wait_time = constant(0)

    @task
    def burn(self) -> None:
        until = time.perf_counter() + 0.02
        while time.perf_counter() < until:
            pass


class Waiting(User):
    """Waits for something that never happens."""

    wait_time = constant(0)

    @task
    def wait_for_nothing(self) -> None:
        Event().wait()


class Stuck(User):
    """Blocks the spawning of all users after it."""

    wait_time = constant(0)

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        Event().wait()

    @task
    def nothing(self) -> None:
        """Never reached."""


class Unrecordable(User):
    """Reports a request without saying when it began."""

    wait_time = constant(0.05)

    @task
    def report(self) -> None:
        self.environment.events.request.fire(
            request_type="GET", name="/good", response_time=1, response_length=1, exception=KeyError()
        )


class Foreign(User):
    """Speaks a protocol of its own, whose answers tell no times."""

    wait_time = constant(0.05)

    @task
    def report(self) -> None:
        self.environment.events.request.fire(
            request_type="RPC",
            name="call",
            response_time=3.0,
            response_length=5,
            start_time=time.time(),
            response=SimpleNamespace(status_code=200),
            exception=None,
        )


class Timeless(User):
    """Reports a request that took no known time."""

    wait_time = constant(0.05)

    @task
    def report(self) -> None:
        self.environment.events.request.fire(
            request_type="RPC", name="call", response_time=math.nan, response_length=1, start_time=time.time()
        )


class Quitting(User):
    """Ends the generator as if all were well."""

    wait_time = constant(0.05)

    @task
    def leave(self) -> None:
        os._exit(0)


class Crashing(User):
    """Kills the process it runs in; one of all there are."""

    wait_time = constant(0.05)
    fixed_count = 1

    @task
    def crash(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Flooding(Asking):
    """Asks without a pause."""

    wait_time = constant(0)
