"""Who has a document."""

from typing import Any

import pytest

from wisphub_api.clients.models import Client
from wisphub_api.clients.search_index.lookup_index import LookupIndex, LookupIndexBuilder


def documents(client: Client) -> list[str]:
    return [client.document] if client.document else []


@pytest.fixture
def clients(make_client) -> list[Client]:
    return [make_client(document=document) for document in ("a", "b", "a", None)]


@pytest.fixture
def index(clients) -> LookupIndex:
    builder = LookupIndexBuilder(documents)
    for position, client in enumerate(clients):
        builder.add(client, position)
    return LookupIndex(builder)


def found(index: LookupIndex, key: str, clients: list[Client]) -> int | None:
    """Tell by its place who is found: equal clients are not the same one."""
    client: Any = index.first(key, clients.__getitem__)
    return next((at for at, other in enumerate(clients) if other is client), None)


def test_the_first_of_several_is_found_and_nobody_by_another_key(index, clients):
    assert [found(index, key, clients) for key in ("a", "b", "c")] == [0, 1, None]


def test_who_gave_a_key_up_is_passed_over(index, clients, make_client):
    clients[0] = make_client(document="c")
    replaced = index.replaced(0, clients[0])
    assert [found(replaced, key, clients) for key in ("a", "b", "c")] == [2, 1, 0]


def test_who_got_a_key_is_found_if_first(index, clients, make_client):
    clients[3] = make_client(document="b")
    replaced = index.replaced(3, clients[3])
    assert found(replaced, "b", clients) == 1
    clients[0] = make_client(document="b")
    assert found(replaced.replaced(0, clients[0]), "b", clients) == 0


def test_two_keys_of_one_hash_are_told_apart(clients, monkeypatch):
    monkeypatch.setattr("wisphub_api.clients.search_index.lookup_index.hash", lambda _: 1, raising=False)
    builder = LookupIndexBuilder(documents)
    for position, client in enumerate(clients):
        builder.add(client, position)
    assert [found(LookupIndex(builder), key, clients) for key in ("a", "b", "c")] == [0, 1, None]
