"""Users of the scripted server."""

from locust import FastHttpUser, constant, task


class Caller(FastHttpUser):
    """Asks as often as it may."""

    wait_time = constant(0.05)

    @task
    def ask(self) -> None:
        self.client.get("/scripted")
