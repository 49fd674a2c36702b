"""Bots that mostly verify identities: `locust -f locustfiles/heavy_verification.py --host http://127.0.0.1:8000`."""

from locust import between, task
from locustfiles.consumer import ApiConsumer


class HeavyVerificationUser(ApiConsumer):
    """Ten verifications for each search; nobody has to be called `Test`."""

    wait_time = between(0.5, 1.5)

    @task(10)
    def verify(self) -> None:
        """The reference client's data."""
        self.verify_reference_client()

    @task(1)
    def search_test(self) -> None:
        """A word that may find nobody."""
        self.search("Test", may_be_empty=True)
