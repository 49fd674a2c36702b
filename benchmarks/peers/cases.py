"""What is asked, made from the clients that the service lists."""

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from benchmarks.peers.wrk import Ask

LOOKUPS = 2_000
"""How many different clients are asked for: where one is asked for again and again, any memo would do."""
FIRST_CHECKED = 500
QUERIES = 100_000
SHORTEST_QUERY = 5
CODINGS = ("gzip", "br", "zstd")
LIST = Ask("/api/v1/clients/")
ROOMY = 10_000
"""From this many clients on a list fills the wire, and is asked for in two ways only."""
HUGE = 100_000
"""Of more clients than these so many are read, to know whom to ask for."""
CACHED = (
    *("plans", "list", "list, page", "list, max-age"),
    *("search, one hit", "search, many hits", "search, limit", "by service id"),
)
"""Cases whose answers a cache has whole, as they were asked for before."""
Clients = Sequence[Mapping[str, Any]]


class Case(Struct, frozen=True, kw_only=True):
    """Requests that are asked in turn, and what is expected of their answers.

    Attributes:
        headers: Sent with each request, beside the key.
        status: What each is answered with.
        coding: Of the content; empty: as it is.
        checked: How many of the requests are fetched and compared before anything is measured; 0: all.
            Where there are more, each of the others is asked once only.
        is_ranked: Whether each server ranks in its own way: then the number of items is compared alone.
    """

    name: str
    asks: tuple[Ask, ...]
    headers: Mapping[str, str] = {}
    status: int = 200
    coding: str = ""
    checked: int = 0
    is_ranked: bool = False

    @property
    def slug(self) -> str:
        """The name as fit for a path."""
        return self.name.replace(",", "").replace(" ", "-")

    @property
    def known(self) -> tuple[Ask, ...]:
        """The requests that are compared."""
        return self.asks[: self.checked or None]

    @property
    def is_once(self) -> bool:
        """Whether each is asked once only, but for those that were compared."""
        return len(self.known) < len(self.asks)


def cases_for(clients: Clients, etag: str, total: int, most: int = LOOKUPS) -> list[Case]:
    """Return all cases for a provider.

    Args:
        clients: As the service lists them; of very many, some.
        etag: The list's validator.
        total: How many there are in all.
        most: How many different clients are asked for.
    """
    ids = (str(each["service_id"]) for each in clients)
    documents = (each["document"] for each in clients)
    return [
        *_lists(etag, total),
        Case(name="list, page", asks=(Ask(f"{LIST.path}?limit=50&offset=100"),)),
        Case(name="search, one hit", asks=(search("benitez"),)),
        *([Case(name="search, many hits", asks=(search("esperanza"),))] if total < ROOMY else []),
        Case(name="search, limit", asks=(Ask(f"{search('esperanza').path}&limit=20"),), is_ranked=True),
        Case(name="search, first time", asks=first_searches(clients), checked=min(most, FIRST_CHECKED)),
        Case(name="by document", asks=lookups("by-document", documents, most)),
        Case(name="by phone", asks=lookups("by-phone", map(one_phone, clients), most)),
        Case(name="by service id", asks=lookups("by-service-id", ids, most)),
        Case(name="verify", asks=checks(clients, most), headers={"Content-Type": "application/json"}),
    ]


def _lists(etag: str, total: int) -> Iterator[Case]:
    """Return the ways to ask for all of something; of very many clients nobody asks for all at once."""
    if total > HUGE:
        return
    if total < ROOMY:
        yield Case(name="plans", asks=(Ask("/api/v1/internet-plans/"),))
    yield Case(name="list", asks=(LIST,))
    if total < ROOMY:
        # A day: the answer is younger for the whole run, so that it is always given from memory.
        yield Case(name="list, max-age", asks=(LIST,), headers={"Cache-Control": "max-age=86400"})
    for coding in CODINGS if total < ROOMY else CODINGS[:1]:
        yield Case(name=f"list, {coding}", asks=(LIST,), headers={"Accept-Encoding": coding}, coding=coding)
    if total < ROOMY:
        yield Case(name="list, 304", asks=(LIST,), headers={"If-None-Match": etag}, status=304)


def search(query: str) -> Ask:
    """Ask for clients by a text."""
    return Ask(f"/api/v1/clients/search?q={quote(query)}")


def lookups(route: str, values: Iterable[str | None], most: int) -> tuple[Ask, ...]:
    """Ask for clients one by one, by values of which each is taken once, evenly from all."""
    known = list(dict.fromkeys(value for value in values if value))
    return tuple(Ask(f"/api/v1/clients/{route}/{quote(value, safe='')}") for value in evenly(known, most))


def checks(clients: Clients, most: int) -> tuple[Ask, ...]:
    """Verify clients by their own address and price, as they are recorded."""
    fit = [each for each in clients if each["address"] and each["internet_plan_price"]]
    return tuple(
        Ask(
            f"/api/v1/clients/{each['service_id']}/verify",
            "POST",
            json.dumps({"address": each["address"], "internet_plan_price": each["internet_plan_price"]}),
        )
        for each in evenly(fit, most)
    )


def first_searches(clients: Clients) -> tuple[Ask, ...]:
    """Return searches of which no two are equal: parts of documents and phones, shuffled."""
    whole = (
        text for each in clients for text in (each["document"], one_phone(each)) if text and text.isdigit()
    )
    queries: dict[str, None] = {}
    for text in whole:
        queries.update(dict.fromkeys(_parts(text)))
        if len(queries) >= QUERIES:
            break
    shuffled = list(queries)
    random.Random(1).shuffle(shuffled)  # noqa: S311  # the same order in each run
    return tuple(map(search, shuffled))


def _parts(text: str) -> Iterable[str]:
    lengths = range(SHORTEST_QUERY, len(text) + 1)
    return (text[begin : begin + length] for length in lengths for begin in range(len(text) - length + 1))


def one_phone(client: Mapping[str, Any]) -> str | None:
    """Return a client's phone where it is one plain number."""
    phone = client["phone"]
    return phone if phone and phone.isdigit() else None


def evenly(items: Sequence[Any], most: int) -> Sequence[Any]:
    """Return at most so many of all, at even steps."""
    return items[:: max(1, -(-len(items) // most))]
