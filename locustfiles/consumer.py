"""What every consumer of the API does: send its key, ask by route, check the content of each answer."""

import os
from typing import Any

from locust import FastHttpUser
from locustfiles.answers import (
    REFERENCE_VERIFICATION,
    wrong_in_client_list,
    wrong_in_plan_list,
    wrong_in_search,
    wrong_in_verification,
)

API_KEY = "WISPHUB_API_KEY"
"""The environment variable with the consumer's key; without it no key is sent."""
SEARCH = "/api/v1/clients/search"


class ApiConsumer(FastHttpUser):
    """A consumer of the API; requests are named by their route: no subscriber's data gets into a report."""

    abstract = True
    network_timeout = 10.0
    connection_timeout = 5.0

    def __init__(self, environment: Any) -> None:
        # Answers come as they are: to unpack a list would take the generator longer than all else it does,
        # and whoever waits for its event loop would be counted as the server's.
        self.default_headers = {"Accept-Encoding": "identity"}
        if key := os.environ.get(API_KEY):
            self.default_headers["X-API-Key"] = key
        super().__init__(environment)

    def list_clients(self) -> None:
        """Ask for every client."""
        with self.client.get("/api/v1/clients/", name="/api/v1/clients/", catch_response=True) as answer:
            judge(answer, wrong_in_client_list)

    def search(self, query: str, *, may_be_empty: bool = False, name: str = SEARCH) -> None:
        """Search clients by a word."""
        with self.client.get(f"{SEARCH}?q={query}", name=name, catch_response=True) as answer:
            judge(answer, lambda body: wrong_in_search(body, query, may_be_empty=may_be_empty))

    def verify_reference_client(self) -> None:
        """Verify the reference client with data that is right."""
        with self.client.post(
            "/api/v1/clients/7/verify",
            json=REFERENCE_VERIFICATION,
            name="/api/v1/clients/{service_id}/verify",
            catch_response=True,
        ) as answer:
            judge(answer, wrong_in_verification)

    def list_plans(self) -> None:
        """Ask for every internet plan."""
        with self.client.get(
            "/api/v1/internet-plans/", name="/api/v1/internet-plans/", catch_response=True
        ) as answer:
            judge(answer, wrong_in_plan_list)


def judge(answer: Any, what_is_wrong: Any) -> None:
    """Fail an answer of status 200 whose content is wrong, and any other status."""
    if not answer.status_code:
        return  # there was no answer: Locust's own exception says why
    if answer.status_code != 200:  # noqa: PLR2004 - every route answers 200
        answer.failure(f"HTTP {answer.status_code}")
        return
    if problem := what_is_wrong(answer.content or b""):
        answer.failure(problem)
