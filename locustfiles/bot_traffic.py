"""The WhatsApp bots' everyday mix: `locust -f locustfiles/bot_traffic.py --host http://127.0.0.1:8000`."""

from locust import between, task
from locustfiles.answers import REFERENCE_SEARCH
from locustfiles.consumer import ApiConsumer


class WispHubAPIUser(ApiConsumer):
    """A bot: mostly lists and searches, at times a verification or the plans (43/29/14/14 % of requests)."""

    wait_time = between(1, 3)

    @task(3)
    def clients(self) -> None:
        """Every client."""
        self.list_clients()

    @task(2)
    def search_reference(self) -> None:
        """The reference client by its name."""
        self.search(REFERENCE_SEARCH)

    @task(1)
    def verify(self) -> None:
        """The reference client's data."""
        self.verify_reference_client()

    @task(1)
    def plans(self) -> None:
        """Every plan."""
        self.list_plans()
