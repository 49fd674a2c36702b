"""People looking for clients by name: `locust -f locustfiles/client_search.py --host http://127.0.0.1:8000`."""

import random

from locust import between, task
from locustfiles.consumer import ApiConsumer

NAMES = ("Esperanza", "Rodriguez", "Martinez", "Lopez")


class ClientSearchUser(ApiConsumer):
    """Searches one of four names that the demo data holds."""

    wait_time = between(1, 2)

    @task
    def search_name(self) -> None:
        """A name at random."""
        self.search(random.choice(NAMES))
