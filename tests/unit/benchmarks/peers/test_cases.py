import json
from itertools import product
from typing import Any

import pytest

from benchmarks.peers.cases import CACHED, Case, cases_for, checks, evenly, first_searches, lookups


def client(number: int, **other: Any) -> dict[str, Any]:
    known = {
        "service_id": number,
        "document": str(10_000_000 + 7 * number),
        "phone": str(3_000_000_000 + 11 * number),
        "address": f"Calle {number}",
        "internet_plan_price": 40_000.0,
    }
    return {**known, **other}


CLIENTS = [client(number) for number in range(1, 301)]


def cases(*clients: dict[str, Any], most: int = 50, total: int = 0) -> dict[str, Case]:
    return {case.name: case for case in cases_for(clients, '"tag"', total or len(clients), most)}


def test_every_way_to_ask_for_a_small_list_is_measured():
    found = cases(*CLIENTS)
    assert {name: found[name].headers for name in found if name.startswith("list")} == {
        "list": {},
        "list, page": {},
        "list, max-age": {"Cache-Control": "max-age=86400"},
        "list, gzip": {"Accept-Encoding": "gzip"},
        "list, br": {"Accept-Encoding": "br"},
        "list, zstd": {"Accept-Encoding": "zstd"},
        "list, 304": {"If-None-Match": '"tag"'},
    }


def test_a_long_list_is_asked_for_plain_and_gzipped_only():
    found = cases(*CLIENTS, total=10_000)
    assert [name for name in found if name.startswith(("list", "plans"))] == [
        "list",
        "list, gzip",
        "list, page",
    ]


def test_of_very_many_clients_nobody_asks_for_all():
    found = cases(*CLIENTS, total=500_000)
    assert [name for name in found if name.startswith(("list", "plans"))] == ["list, page"]


def test_every_case_that_is_promised_to_come_from_the_cache_is_played():
    assert set(CACHED) <= cases(*CLIENTS).keys()


def test_no_first_search_is_asked_twice_nor_like_another():
    asks = first_searches([client(1), client(1), client(2), client(3, phone="+57 300", document="PEP123")])
    assert len(set(asks)) == len(asks)
    assert "/api/v1/clients/search?q=10000007" in {ask.path for ask in asks}
    assert all(ask.path.rpartition("=")[2].isdigit() for ask in asks)


def test_first_searches_come_in_the_same_order_each_time():
    assert first_searches(CLIENTS) == first_searches(CLIENTS)


def test_of_first_searches_only_some_are_compared_and_all_others_asked_once():
    case = cases(*CLIENTS)["search, first time"]
    assert (len(case.known), case.is_once) == (50, True)
    assert case.known == case.asks[:50]


def test_lookups_are_many_and_each_client_is_asked_for_once():
    case = cases(*CLIENTS)["by document"]
    assert 30 <= len(set(case.asks)) == len(case.asks) <= 50
    assert (case.known, case.is_once) == (case.asks, False)


def test_values_are_quoted_and_blanks_left_out():
    assert [ask.path for ask in lookups("by-phone", ["1/2", None, "", "1/2"], 9)] == [
        "/api/v1/clients/by-phone/1%2F2"
    ]


def test_a_check_tells_what_is_recorded_of_a_client_who_has_it():
    asks = checks([client(1, address=None), client(2, internet_plan_price=None), client(3)], 9)
    assert [(ask.method, ask.path) for ask in asks] == [("POST", "/api/v1/clients/3/verify")]
    assert json.loads(asks[0].body) == {"address": "Calle 3", "internet_plan_price": 40_000.0}


@pytest.mark.parametrize(("count", "most"), list(product((0, 1, 9, 10, 11, 100), (1, 10))))
def test_at_most_so_many_are_taken_from_all_parts(count, most):
    taken = evenly(range(count), most)
    assert len(taken) <= most
    assert not count or (taken[0] == 0 and taken[-1] >= count - count / most - most)


def test_names_of_cases_fit_into_paths():
    assert cases(*CLIENTS)["list, 304"].slug == "list-304"
