"""What an answer from memory costs: each call asks for another client, or for something not asked before."""

from collections.abc import Callable
from typing import Any

import pytest

from wisphub_api.cache.representation import represent
from wisphub_api.clients.identity import verify
from wisphub_api.clients.models import Claim, Client

pytestmark = pytest.mark.bench
Lookup = Callable[[], Any]

QUERIES: dict[str, Callable[[Client], str]] = {
    "name": lambda client: f"{client.name}",
    "name, words turned": lambda client: " ".join(f"{client.name}".split()[::-1]),
    "part of a name": lambda client: f"{client.name}"[2:8],
    "two parts": lambda client: " ".join(word[:3] for word in f"{client.name}".split()[:2][::-1]),
    "address": lambda client: f"{client.address or client.name}",
    "document": lambda client: f"{client.document}",
    "part of a number": lambda client: f"{client.document}"[2:7],
    "nothing": lambda client: f"{client.document}x",
    "two letters": lambda client: f"{client.name}"[:2],
}


@pytest.mark.parametrize("kind", QUERIES)
def test_search(benchmark, directory, some_clients, in_turn, kind):
    benchmark.group = f"4 search: {kind}"
    query = in_turn([QUERIES[kind](client) for client in some_clients])
    # Past the memory of answers: each is searched for as if it were the first time.
    found = benchmark(lambda: directory.search(query(), None, 0))
    hits = [directory.search(query(), None, 0).total for _ in range(100)]
    benchmark.extra_info["mean hits"] = sum(hits) / len(hits)
    assert found.total is not None


@pytest.mark.parametrize("key", ["service_id", "document", "phone"])
def test_look_up(benchmark, directory, some_clients, in_turn, key):
    benchmark.group = f"5 by {key}"
    look_up = getattr(directory, f"by_{key}")
    keys = [getattr(client, key) for client in some_clients]
    given = in_turn([value for value in keys if value and look_up(value)])  # a phone field may hold two
    assert benchmark(lambda: represent(look_up(given()))).body != b"null"


def test_verify(benchmark, directory, some_clients, in_turn):
    benchmark.group = "6 verify"
    given = in_turn(
        [(client.service_id, Claim(name=client.name, address=client.address)) for client in some_clients]
    )

    def check() -> bool:
        service_id, claim = given()
        return verify(claim, directory.by_service_id(service_id), None).is_valid

    assert benchmark(check)


def test_page(benchmark, directory):
    benchmark.group = "7 a page of the list"
    assert benchmark(directory.page, 100, 500).total == len(directory)
