"""Users who are to ask several servers the same."""

import random
from typing import Any

from locust import FastHttpUser, HttpUser, TaskSet, constant, task
from locust.exception import RescheduleTask


class Drawing(FastHttpUser):
    """Draws what it asks for, and says which of its own it asks it with."""

    wait_time = constant(0.01)
    made = 0

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        Drawing.made += 1
        self.own = Drawing.made

    def on_start(self) -> None:
        self.client.get("/good", name="come")

    def on_stop(self) -> None:
        self.client.get("/good", name="gone")

    @task(3)
    def draw(self) -> None:
        self.client.get("/good", name=f"draw {random.random():.9f}")  # noqa: S311  # load

    @task
    def tell(self) -> None:
        self.client.get("/good", name=f"own {self.own}")


class Twice(FastHttpUser):
    """Asks two questions in a task."""

    wait_time = constant(0.01)

    @task
    def ask_twice(self) -> None:
        self.client.get("/good", name="first")
        self.client.get("/good", name="second")


class Turning(FastHttpUser):
    """Turns away where it is told that something is broken."""

    wait_time = constant(0.01)

    @task
    def ask(self) -> None:
        with self.client.get("/good", catch_response=True) as answer:
            answer.failure("not what was hoped for")
        raise RescheduleTask

    @task
    def stumble(self) -> None:
        raise KeyError("a subscriber's name")


class Nested(FastHttpUser):
    """Has tasks within tasks."""

    @task
    class Asks(TaskSet):
        @task
        def ask(self) -> None:
            self.client.get("/good")


class Keeping(FastHttpUser):
    """Says whether it still has a connection."""

    wait_time = constant(0.05)

    @task
    def ask(self) -> None:
        has_one = bool(self.client.client.clientpool.clients)
        self.client.get("/good", name="kept" if has_one else "fresh")


class Plain(HttpUser):
    """Asks by way of requests, not geventhttpclient."""

    wait_time = constant(0.05)

    @task
    def ask(self) -> None:
        self.client.get("/good", name="plain")
